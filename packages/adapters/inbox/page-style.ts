/** Style of the inbox. Colors are tokens; text has 4.5:1 contrast and marks 3:1 in both themes. */
export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #ffffff; --ink: #191c22; --quiet: #565d6b; --line: #d9dde4; --link: #0b57c2; --focus: #0b57c2;
  --firing: #b3261e; --acknowledged: #8f4a00; --snoozed: #565d6b; --watching: #6d5600; --resolved: #17692f; --dismissed: #565d6b;
  --wash: 8%;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111318; --card: #1b1e25; --ink: #e8eaef; --quiet: #a3abba; --line: #343944; --link: #8ab8ff; --focus: #8ab8ff;
    --firing: #ff8d85; --acknowledged: #ffb066; --snoozed: #a3abba; --watching: #e6c84c; --resolved: #74d68f; --dismissed: #a3abba;
    --wash: 14%;
  }
}
@media (prefers-contrast: more) { :root { --quiet: var(--ink); --line: var(--ink); } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; z-index: 1; background: var(--card); padding: 8px 12px; border-radius: 6px; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
.bar { display: flex; align-items: baseline; justify-content: space-between; gap: 16px; flex-wrap: wrap; max-width: 800px; margin: 0 auto; padding: 24px 20px 8px; }
h1 { display: flex; align-items: center; font-size: 20px; letter-spacing: -0.01em; margin: 0; }
.mark { width: 18px; height: 18px; margin-right: 8px; fill: currentColor; }
.where { font-weight: 400; color: var(--quiet); margin-left: 6px; }
.live { margin: 0; font-size: 13px; color: var(--quiet); }
.live.on::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 6px; border-radius: 50%; background: var(--resolved); }
main { max-width: 800px; margin: 0 auto; padding: 8px 20px 64px; }
.counts { display: flex; flex-wrap: wrap; gap: 6px 16px; list-style: none; margin: 0 0 12px; padding: 0; font-size: 14px; color: var(--quiet); }
.counts b { color: var(--ink); font-variant-numeric: tabular-nums; }
.card { --state: var(--snoozed); background: var(--card); border: 1px solid var(--line); border-left: 5px solid var(--state); border-radius: 10px; padding: 18px 22px 14px; margin: 0 0 16px; overflow-wrap: anywhere; }
.firing { --state: var(--firing); } .acknowledged { --state: var(--acknowledged); } .snoozed { --state: var(--snoozed); }
.watching { --state: var(--watching); } .resolved { --state: var(--resolved); } .dismissed { --state: var(--dismissed); }
.state { display: flex; align-items: center; gap: 7px; margin: 0 0 4px; font-size: 14px; font-weight: 600; color: var(--state); }
.state svg { width: 16px; height: 16px; fill: currentColor; flex: none; }
.severity { margin-left: auto; padding: 1px 8px; border: 1px solid currentColor; border-radius: 99px; font-size: 12px; letter-spacing: 0.03em; }
.firing .severity { background: color-mix(in srgb, var(--state) var(--wash), transparent); }
h2 { font-size: 19px; line-height: 1.3; letter-spacing: -0.01em; margin: 0 0 10px; }
.card p { margin: 0 0 8px; }
.card .lead { font-weight: 600; }
.resolved .lead, .dismissed .lead { font-weight: 500; }
pre { margin: 0; padding: 10px 12px; border-radius: 6px; background: color-mix(in srgb, var(--ink) 6%, transparent); font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
.command { margin: 0 0 12px; }
.quote { margin: 12px 0; }
.quote figcaption { margin: 0 0 4px; font-size: 12px; color: var(--quiet); }
.added { color: var(--resolved); } .removed { color: var(--firing); }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 10px 24px; margin: 14px 0; padding: 12px 0; border-block: 1px solid var(--line); }
dt { font-size: 12px; color: var(--quiet); }
dd { margin: 0; font-size: 14px; font-variant-numeric: tabular-nums; }
.card .links { display: flex; flex-wrap: wrap; gap: 8px; margin: 12px 0; }
.links a { padding: 6px 14px; border: 1px solid var(--line); border-radius: 6px; font-size: 14px; font-weight: 500; text-decoration: none; }
.links a:hover { border-color: currentColor; }
details { margin: 10px 0; font-size: 14px; }
summary { cursor: pointer; color: var(--quiet); width: fit-content; }
details ol { list-style: none; margin: 8px 0 0; padding: 0 0 0 14px; border-left: 2px solid var(--line); }
details li { margin: 0 0 4px; }
.context { display: flex; flex-wrap: wrap; gap: 2px 14px; margin-top: 12px; font-size: 12px; color: var(--quiet); }
.empty { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 48px 32px; text-align: center; color: var(--quiet); }
.empty svg { width: 40px; height: 40px; fill: var(--resolved); }
.empty h2 { color: var(--ink); margin: 8px 0; }
.empty p { max-width: 54ch; margin: 0 auto 10px; }
@media (max-width: 480px) {
  .bar { padding: 16px 14px 6px; } main { padding: 6px 12px 40px; } .card { padding: 14px 14px 12px; } h2 { font-size: 17px; }
  .fields { grid-template-columns: 1fr; } .empty { padding: 32px 18px; }
}
@media (prefers-reduced-motion: no-preference) { .links a { transition: border-color 0.15s; } }
@media (forced-colors: active) { .state svg, .mark { fill: CanvasText; } }
`;
