// An open appointment asks for news every few seconds; a form somebody types in is never written over.

const FIELDS = ["title", "place", "notes"] as const;
type Field = HTMLInputElement | HTMLTextAreaElement;

function fields(form: HTMLFormElement): Field[] {
  return FIELDS.map((name) => form.elements.namedItem(name)).filter((field) => field !== null) as Field[];
}

function isTouched(form: HTMLFormElement): boolean {
  return fields(form).some((field) => field.value !== field.defaultValue) || form.contains(document.activeElement);
}

/** Bring an untouched form up to what the appointment says now; beside a touched one, say that it changed. */
function bringUp(live: HTMLElement, form: HTMLFormElement): void {
  const revision = form.elements.namedItem("revision") as HTMLInputElement | null;
  const now = live.dataset.revision ?? "";
  if (!revision || revision.value === now) return;
  const note = form.querySelector<HTMLElement>("[data-elsewhere]");
  if (isTouched(form)) {
    if (note) note.hidden = false;
    return;
  }
  for (const field of fields(form)) field.value = field.defaultValue = live.dataset[field.name] ?? "";
  revision.value = now;
  if (note) note.hidden = true;
}

function look(): void {
  const live = document.querySelector<HTMLElement>("[data-live]");
  const form = document.querySelector<HTMLFormElement>("form[data-edit]");
  if (live && form) bringUp(live, form);
}

export function followLive(): void {
  document.addEventListener("htmx:after:swap", look);
  document.addEventListener("htmx:before:request", (event) => {
    const asks = event.target as HTMLElement;
    // nobody looks: the calendar need not be asked so often
    if (document.hidden && asks.matches?.("[data-live]")) event.preventDefault();
  });
}
