// htmx as the dashboard's script made it.

interface Htmx {
  ajax(verb: string, address: string, options: { target: HTMLElement; swap: string }): Promise<void>;
}

export function htmx(): Htmx {
  return (window as unknown as { htmx: Htmx }).htmx;
}
