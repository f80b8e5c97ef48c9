/** What an incident asks people to do now. */
import type { IncidentState } from "../incident/lifecycle.ts";
import { measureWords } from "../words/measure-words.ts";
import { formatTime } from "../words/quantity.ts";
import { wayOut } from "./recovery-line.ts";
import { sentenceCase } from "../words/text.ts";

export function nextStep(state: IncidentState): string {
  switch (state.state) {
    case "firing":
      return measureWords(state.detection).step;
    case "acknowledged":
      return `${state.state_changed_by} is on it`;
    case "snoozed":
      return `Quiet until ${formatTime(state.snoozed_until ?? state.updated_at, state.updated_at)}`;
    case "watching":
      return state.rolled_back === null
        ? "Watching whether it recovers"
        : `${sentenceCase(wayOut(state))}, watching`;
    case "resolved":
      return "Nothing to do";
    case "dismissed":
      return `Not a regression, says ${state.state_changed_by}`;
  }
}
