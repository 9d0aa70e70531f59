// Alpine components, by name: `<div x-data="copy">`. The CSP build evaluates property names only, so logic lives here.
import type { Alpine } from "alpinejs";

interface Copying {
  done: boolean;
  copy(): Promise<void>;
  $root: HTMLElement;
  $refs: Record<string, HTMLInputElement>;
}

/** `<div x-data="copy"><input x-ref="text" readonly><button @click="copy">…</button><span x-show="done">Copied</span></div>` */
const copy = () => ({
  done: false,
  async copy(this: Copying): Promise<void> {
    const field = this.$refs.text;
    if (!field) return;
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select(); // no permission or plain http: let the person copy by hand
      document.execCommand("copy");
    }
    this.done = true;
    window.setTimeout(() => (this.done = false), 2500);
  },
});

export function components(alpine: Alpine): void {
  alpine.data("copy", copy);
}
