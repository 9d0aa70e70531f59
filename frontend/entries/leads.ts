// Leads pages: the calendar grid with its panel and move dialog, and an appointment that stays up to date while open.
import "../styles/leads.css";
import { followLive } from "../leads/live";
import { grid } from "../leads/grid";

followLive();
const place = document.getElementById("leads-calendar");
if (place) grid(place);
