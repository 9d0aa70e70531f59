// What every page gets: htmx (configured for a strict Content-Security-Policy), Alpine's CSP build, small behaviours.
import Alpine from "@alpinejs/csp";
import htmx from "htmx.org";
import { behaviours } from "./behaviours";
import { components } from "./components";

export function start(): void {
  htmx.config.includeIndicatorCSS = false; // a <style> made by script would be refused; ours is in base.css
  (window as unknown as { htmx: typeof htmx }).htmx = htmx;
  document.documentElement.classList.add("has-script");
  behaviours();
  components(Alpine);
  Alpine.start();
}
