// The grid of the Leads calendar. It knows wall time of the company's zone only; the server turns it into instants.
import { Calendar, type EventApi, type EventContentArg, type EventInput } from "@fullcalendar/core";
import british from "@fullcalendar/core/locales/en-gb";
import dayGrid from "@fullcalendar/daygrid";
import interaction from "@fullcalendar/interaction";
import list from "@fullcalendar/list";
import timeGrid from "@fullcalendar/timegrid";
import { moving } from "./moving";
import { panel } from "./panel";

const VIEWS: Record<string, string> = {
  month: "dayGridMonth",
  week: "timeGridWeek",
  day: "timeGridDay",
  agenda: "listWeek",
};
const READ_AGAIN = 15_000; // ms
const LOOK_AGAIN = 4_000; // ms, after somebody turned to the page
const LOOKS = 4;

interface Block {
  id: string;
  url: string;
  start: string;
  end: string;
  said: string;
  customer: string;
  kind: string;
  live: boolean;
  attention: string;
  movable: boolean;
}
interface Hold {
  id: string;
  start: string;
  end: string;
  said: string;
  kind: string;
  until: string;
  seconds_left: number;
}
interface Feed {
  appointments: Block[];
  holds: Hold[];
  busy: { start: string; end: string }[];
}

const asEvent = (block: Block): EventInput => ({
  id: block.id,
  url: block.url,
  start: block.start,
  end: block.end,
  title: `${block.customer}, ${block.kind}`,
  startEditable: block.movable,
  classNames: ["visit-block", ...(block.live ? [] : ["cancelled"]), ...(block.attention ? ["attention"] : [])],
  extendedProps: { ...block },
});

/** A slot that a visitor is filling in: no link, nobody's name, gone by itself. */
const asHeld = (hold: Hold): EventInput => ({
  id: hold.id,
  start: hold.start,
  end: hold.end,
  title: `Being booked, ${hold.kind}`,
  editable: false,
  classNames: ["visit-block", "held"],
  extendedProps: { ...hold, customer: "being booked", live: true, endsAt: Date.now() + hold.seconds_left * 1000 },
});

const asHatching = (busy: { start: string; end: string }): EventInput => ({
  start: busy.start,
  end: busy.end,
  display: "background",
  classNames: ["busy-time"],
});

/** Text nodes only: a customer's name is never read as HTML. */
function words(arg: EventContentArg): { domNodes: Node[] } {
  const block = arg.event.extendedProps as Partial<Block & Hold>;
  if (!block.said) return { domNodes: [] };
  const part = (kind: string, text: string): HTMLElement => {
    const node = document.createElement("span");
    node.className = kind;
    node.textContent = text;
    return node;
  };
  const inList = arg.view.type.startsWith("list");
  const parts = [part("customer", block.customer ?? ""), part("kind", block.kind ?? "")];
  // a day of the month is narrow: when it begins says enough
  if (!inList) parts.unshift(part("time", arg.view.type === "dayGridMonth" ? block.said.slice(0, 5) : block.said));
  if (!block.live) parts.push(part("flag", "cancelled"));
  if (block.attention) parts.push(part("flag", "needs attention"));
  if (block.until) parts.push(part("kept", `kept until ${block.until}`));
  const nodes = parts.flatMap((node) => [node, document.createTextNode(" ")]);
  return { domNodes: inList && arg.event.url ? [linked(arg.event.url, nodes)] : nodes };
}

/** FullCalendar makes blocks of the grid links by itself, but rows of the list only when it writes their words. */
function linked(address: string, nodes: Node[]): HTMLAnchorElement {
  const link = document.createElement("a");
  link.href = address;
  link.append(...nodes);
  return link;
}

/** What the clocks of a zone show now, as the grid wants it. */
function nowIn(zone: string): string {
  const options: Intl.DateTimeFormatOptions = {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  };
  return new Intl.DateTimeFormat("sv-SE", options).format(new Date()).replace(" ", "T");
}

export function grid(place: HTMLElement): void {
  const filter = document.getElementById("leads-filter") as HTMLFormElement;
  const trouble = document.getElementById("leads-trouble");
  const { feed = "", zone = "UTC", date = "", view = "" } = place.dataset;
  let looks = LOOKS; // so often it is still read soon, while changes on the linked calendars come in
  const narrow = window.matchMedia("(max-width: 47.99rem)").matches;
  const aside = panel();

  const asked = (): URLSearchParams => {
    const wanted = new URLSearchParams();
    for (const name of ["module", "staff", "state"]) {
      const field = filter.elements.namedItem(name) as HTMLSelectElement | null;
      if (field?.value) wanted.set(name, field.value);
    }
    return wanted;
  };

  const remember = (): void => {
    const wanted = asked();
    const shown = Object.entries(VIEWS).find(([, type]) => type === calendar.view.type)?.[0];
    if (shown) wanted.set("view", shown);
    wanted.set("date", calendar.formatIso(calendar.getDate(), true).slice(0, 10));
    history.replaceState(history.state, "", `?${wanted.toString()}`);
  };

  const read = async (start: string, end: string): Promise<EventInput[]> => {
    const wanted = asked();
    wanted.set("start", start.slice(0, 10));
    wanted.set("end", end.slice(0, 10));
    if (looks > 0) wanted.set("look", "1");
    const answer = await fetch(`${feed}?${wanted.toString()}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`the feed answered ${answer.status}`);
    const found = (await answer.json()) as Feed;
    return [...found.appointments.map(asEvent), ...found.holds.map(asHeld), ...found.busy.map(asHatching)];
  };

  let expiry = 0;
  /** Holds end on time also while nothing can be read. */
  const dropExpired = (): void => {
    window.clearTimeout(expiry);
    const left = (event: EventApi): number => Number(event.extendedProps.endsAt ?? Infinity) - Date.now();
    const events = calendar.getEvents();
    for (const event of events) if (left(event) <= 0) event.remove();
    const next = Math.min(...events.map(left).filter((ms) => ms > 0));
    if (next < Infinity) expiry = window.setTimeout(dropExpired, next);
  };

  place.replaceChildren();
  const calendar = new Calendar(place, {
    plugins: [dayGrid, timeGrid, list, interaction],
    initialView: VIEWS[view] ?? (narrow ? "listWeek" : "timeGridWeek"),
    initialDate: date || nowIn(zone),
    timeZone: zone,
    now: () => nowIn(zone),
    nowIndicator: true,
    locale: british, // day before month, weeks from Monday, as all pages say it
    allDaySlot: false,
    slotEventOverlap: false,
    scrollTime: "08:00:00",
    snapDuration: "00:15:00",
    height: "max(34rem, calc(100dvh - 13.875rem))",
    dayMaxEvents: true,
    fixedWeekCount: false,
    defaultRangeSeparator: "–",
    ...(narrow ? { moreLinkContent: (more: { shortText: string }) => more.shortText } : {}),
    navLinks: true,
    headerToolbar: {
      left: "today prev,next",
      center: "title",
      right: "dayGridMonth,timeGridWeek,timeGridDay,listWeek",
    },
    buttonText: { today: "Today", month: "Month", week: "Week", day: "Day", list: "Agenda" },
    slotLabelFormat: { hour: "2-digit", minute: "2-digit", hour12: false },
    eventTimeFormat: { hour: "2-digit", minute: "2-digit", hour12: false },
    dayHeaderFormat: narrow ? { weekday: "short" } : { weekday: "short", day: "numeric", month: "short" },
    titleFormat: { year: "numeric", month: narrow ? "short" : "long", day: "numeric" },
    views: { dayGridMonth: { titleFormat: { year: "numeric", month: "long" }, dayHeaderFormat: { weekday: "short" } } },
    noEventsContent: "No appointments in this time.",
    editable: place.dataset.movable !== undefined,
    eventDurationEditable: false,
    eventContent: words,
    events: (info, done, failed) => {
      read(info.startStr, info.endStr).then(done, failed);
    },
    eventsSet: () => dropExpired(),
    eventSourceSuccess: () => {
      if (trouble) trouble.hidden = true;
    },
    eventSourceFailure: () => {
      if (trouble) trouble.hidden = false;
    },
    eventClick: (info) => {
      const click = info.jsEvent;
      if (!info.event.url) return;
      if (click.ctrlKey || click.metaKey || click.shiftKey) return; // a new tab was meant
      click.preventDefault();
      aside.open(info.event.url, info.el.querySelector("a") ?? info.el);
    },
    eventDrop: (info) => ask(info.event, info.revert),
    datesSet: () => {
      remember();
      requestAnimationFrame(() => quietIcons(place));
    },
  });
  const ask = moving((event: EventApi) => event.startStr.slice(0, 19));
  calendar.render();
  quietIcons(place);

  filter.addEventListener("change", () => {
    remember();
    calendar.refetchEvents();
  });
  filter.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("appointment-changed", () => calendar.refetchEvents());
  document.addEventListener("appointment-news", () => calendar.refetchEvents());
  const readAgain = (): void => {
    const busy = document.hidden || document.querySelector("dialog[open], .fc-event-dragging");
    if (!busy) calendar.refetchEvents();
  };
  const look = (): void => {
    readAgain();
    looks -= 1;
    if (looks > 0) window.setTimeout(look, LOOK_AGAIN);
  };
  window.setTimeout(look, LOOK_AGAIN); // the first reading was FullCalendar's own
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    const looking = looks > 0;
    looks = LOOKS;
    if (!looking) look();
  });
  window.setInterval(readAgain, READ_AGAIN);
}

/** FullCalendar's icons stand in labelled buttons: they are no images of their own. */
function quietIcons(place: HTMLElement): void {
  place.querySelectorAll(".fc-icon").forEach((icon) => icon.setAttribute("role", "presentation"));
}
