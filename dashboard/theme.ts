/** Light, dark, or what the system says. Kept in the browser. */
export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEY = "graphkeeper-theme";

export function theme(): Theme {
  const kept = localStorage.getItem(KEY);
  return THEMES.find((name) => name === kept) ?? "system";
}

export function applyTheme(chosen: Theme = theme()): void {
  localStorage.setItem(KEY, chosen);
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  // Canvases do not follow the style sheet by themselves.
  dispatchEvent(new Event("themechange"));
}

/** Calls back when the colours change, by the switch or by the system. Returns how to stop. */
export function onColours(changed: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  addEventListener("themechange", changed);
  system.addEventListener("change", changed);
  return () => {
    removeEventListener("themechange", changed);
    system.removeEventListener("change", changed);
  };
}

/** What a colour of the style sheet is right now, as a canvas understands it. */
export function colour(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
