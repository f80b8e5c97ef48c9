/**
 * Listens for changes and replaces the list with the server's own rendering of it, so that
 * there is one way to draw an incident. What a reader folded open or shut stays so.
 */
export const PAGE_SCRIPT = `"use strict";
(() => {
  const live = document.getElementById("live");
  const say = (text, on) => {
    if (live.textContent !== text) live.textContent = text;
    live.classList.toggle("on", on);
  };
  let running = false;
  let again = false;
  const refresh = async () => {
    if (running) { again = true; return; }
    running = true;
    try {
      const answer = await fetch(location.pathname, { headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = document.getElementById("incidents");
      const fresh = next.getElementById("incidents");
      if (fresh.innerHTML !== main.dataset.shown) {
        const shown = fresh.innerHTML;
        for (const old of main.querySelectorAll("details[id]")) {
          const same = next.getElementById(old.id);
          if (same) same.open = old.open;
        }
        const focused = document.activeElement && document.activeElement.closest("[id]");
        main.replaceChildren(...fresh.childNodes);
        main.dataset.shown = shown;
        if (focused && !focused.isConnected) {
          const same = document.getElementById(focused.id);
          const target = same && (same.matches("button, summary, a") ? same : same.querySelector("summary, a"));
          if (target) target.focus({ preventScroll: true });
        }
      }
      document.title = next.title;
      say("Live", true);
    } catch {
      say("Connection lost, trying again", false);
    } finally {
      running = false;
      if (again) { again = false; refresh(); }
    }
  };
  const events = new EventSource(document.body.dataset.events);
  events.addEventListener("change", refresh);
  events.addEventListener("open", refresh);
  events.addEventListener("error", () => say("Connection lost, trying again", false));
})();
`;
