// The Leads calendar: FullCalendar on the element #leads-calendar. Grown by the Leads pages.
import { Calendar } from "@fullcalendar/core";
import dayGrid from "@fullcalendar/daygrid";
import interaction from "@fullcalendar/interaction";
import list from "@fullcalendar/list";
import timeGrid from "@fullcalendar/timegrid";

const place = document.getElementById("leads-calendar");
if (place) {
  new Calendar(place, { plugins: [dayGrid, timeGrid, list, interaction], initialView: "timeGridWeek" }).render();
}
