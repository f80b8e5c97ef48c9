/** The buttons of an incident: their HTML, their style, and the script that asks, sends and tells what came of it. */
import type { Message } from "@plumbline/ports";
import { escapeHtml } from "./escape-html.ts";

/** Hidden until the script runs: without it a button would do nothing. */
export function actionRow({ actions, title }: Pick<Message, "actions" | "title">): string {
  if (actions.length === 0) return "";
  const buttons = actions.map(({ id, label, style, value, confirm, choices, asks }) => {
    const question = JSON.stringify({ confirm, choices, asks });
    return `<button type="button" class="act ${style}" id="${escapeHtml(`${id}-${idOf(value)}`)}" data-value="${escapeHtml(value)}" data-question="${escapeHtml(question)}">${escapeHtml(label)}</button>`;
  });
  return `<div class="actions" role="group" aria-label="${escapeHtml(`What you can do: ${title}`)}">${buttons.join("")}</div>`;
}

function idOf(value: string): string {
  return /"incident_id":"([^"]+)"/.exec(value)?.[1] ?? "";
}

export const ACTION_STYLE = `
.actions { display: none; flex-wrap: wrap; gap: 8px; margin: 14px 0; }
.js .actions { display: flex; }
.act, .ask button { min-height: 40px; padding: 6px 14px; border: 1px solid var(--line); border-radius: 6px; background: var(--card); color: var(--ink); font: inherit; font-size: 14px; font-weight: 500; cursor: pointer; }
.act:hover, .ask button:hover { border-color: currentColor; }
.act:disabled { cursor: default; opacity: 0.6; }
.act.danger, .ask .danger { border-color: var(--firing); color: var(--firing); }
.act.primary, .ask .primary { border-color: var(--ink); background: var(--ink); color: var(--card); }
.ask { width: min(92vw, 480px); border: 1px solid var(--line); border-radius: 10px; padding: 20px 22px; background: var(--card); color: var(--ink); }
.ask::backdrop { background: rgb(0 0 0 / 45%); }
.ask h3 { margin: 0 0 8px; font-size: 17px; }
.ask label { display: block; margin: 0 0 12px; font-size: 14px; }
.ask textarea, .ask select { display: block; width: 100%; box-sizing: border-box; margin-top: 4px; padding: 8px; border: 1px solid var(--line); border-radius: 6px; background: var(--card); color: var(--ink); font: inherit; }
.problem { color: var(--firing); }
.ask .row { display: flex; justify-content: flex-end; flex-wrap: wrap; gap: 8px; }
`;

/**
 * What a button carries is JSON of the server's making; it goes back as the body of the command. A dialog asks first where
 * there is something to confirm, to choose or to say, with the focus on what changes nothing.
 */
export const ACTION_SCRIPT = `
(() => {
  document.documentElement.classList.add("js");
  const make = (name, attributes, ...children) => {
    const element = Object.assign(document.createElement(name), attributes);
    element.append(...children);
    return element;
  };
  const freshKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");
  const bodyOf = ({ command, expected_revision, for_minutes, from, to }, words) => ({
    acknowledge: { expected_revision },
    snooze: { expected_revision, for_minutes },
    dismiss: { expected_revision, why: words },
    reopen: { expected_revision },
    note: { text: words },
    rollback: { expected_revision, from, to },
  })[command];
  const send = async (value, words, key) => {
    const action = JSON.parse(value);
    const session = await (await fetch("/v1/session")).json();
    const answer = await fetch("/v1/incidents/" + action.incident_id + "/" + action.command, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": key,
        ...(session.csrf ? { "x-plumbline-csrf": session.csrf } : {}),
      },
      body: JSON.stringify(bodyOf(action, words)),
    });
    if (answer.ok) return null;
    const problem = await answer.json().catch(() => ({}));
    return problem.detail || "It was refused (" + answer.status + ").";
  };
  const ask = (button) => {
    const { confirm, choices, asks } = JSON.parse(button.dataset.question);
    const key = freshKey();
    const problem = make("p", { className: "problem", role: "alert" });
    const words = asks === null ? null : make("textarea", { rows: 3, required: true, maxLength: 2000 });
    const choice = choices.length === 0 ? null
      : make("select", {}, ...choices.map(({ label, value }) => make("option", { value }, label)));
    const cancel = make("button", { type: "button" }, "Cancel");
    const yes = make("button", {
      type: "submit",
      className: button.classList.contains("danger") ? "danger" : "primary",
    }, confirm === null ? button.textContent : confirm.yes);
    const heading = make("h3", { id: "ask-title" }, confirm === null ? button.textContent : confirm.title);
    const form = make("form", { method: "dialog" }, heading,
      ...(confirm === null ? [] : [make("p", {}, confirm.text)]),
      ...(choice === null ? [] : [make("label", {}, "For how long?", choice)]),
      ...(words === null ? [] : [make("label", {}, asks, words)]),
      problem, make("div", { className: "row" }, cancel, yes));
    const dialog = make("dialog", { className: "ask" }, form);
    dialog.setAttribute("aria-labelledby", "ask-title");
    cancel.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      const same = document.getElementById(button.id);
      if (same) same.focus({ preventScroll: true });
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      yes.disabled = true;
      problem.textContent = "";
      const said = words === null ? "" : words.value;
      const why = await send(choice === null ? button.dataset.value : choice.value, said, key)
        .catch(() => "The server does not answer. Try again.");
      yes.disabled = false;
      if (why === null) dialog.close();
      else problem.textContent = why;
    });
    document.body.append(dialog);
    dialog.showModal();
    (words || choice || cancel).focus();
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.act");
    if (button === null) return;
    const { confirm, choices, asks } = JSON.parse(button.dataset.question);
    if (confirm !== null || choices.length > 0 || asks !== null) { ask(button); return; }
    button.disabled = true;
    const why = await send(button.dataset.value, "", freshKey())
      .catch(() => "The server does not answer. Try again.");
    button.disabled = false;
    if (why !== null) {
      const next = button.parentElement.nextElementSibling;
      const shown = next && next.matches("p.problem") ? next
        : make("p", { className: "problem", role: "alert" });
      shown.textContent = why;
      button.parentElement.after(shown);
    }
  });
})();
`;
