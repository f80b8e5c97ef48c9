import type { Command as Program } from "commander";
import {
  IncidentCommandAnswer,
  IncidentsAnswer,
  type IncidentView,
  type RulePrecision,
} from "@plumbline/schemas";
import type { AddCommand, CommandContext } from "../../shell/command.ts";
import { rollBack, type RollbackFlags } from "../../deploy/roll-back.ts";
import { CommandFailure, EXIT, UsageError } from "../../shell/failure.ts";
import { addRegistryOptions, openRegistry, type RegistryFlags } from "../../project/project-options.ts";
import { readIncident } from "../../registry/read-incident.ts";
import { readSpanUpTo } from "../../sql/read-window.ts";
import { ago, count, minute, percent } from "../../text/spoken.ts";
import { formatTable } from "../../text/table.ts";
import { addFix } from "./incident-fix.ts";
import { addRollbackOptions } from "./rollback.ts";

interface ListFlags extends RegistryFlags {
  readonly all: boolean;
  readonly useCase?: string;
}

const MINUTE_MS = 60_000;

export const addIncidents: AddCommand = (program, context) => {
  const incidents = program
    .command("incidents")
    .summary("alerts: list, acknowledge, dismiss, roll back, fix")
    .description(
      "What the monitor found, and what people do about it. The alert in Slack, the page and this command line give the same commands. Keys need scope read to look, respond to act, and deploy to roll back.",
    )
    .addHelpText(
      "before",
      `Examples:
  plumbline incidents list
  plumbline incidents ack inc_0123456789abcdef
  plumbline incidents snooze inc_0123456789abcdef --for 4h
  plumbline incidents dismiss inc_0123456789abcdef --why "a holiday: nobody writes"
  plumbline incidents rollback inc_0123456789abcdef
  plumbline incidents fix inc_0123456789abcdef
`,
    );
  addList(incidents, context);
  addShow(incidents, context);
  addWord(incidents, context, {
    name: "ack",
    command: "acknowledge",
    summary: "say that you are on it; it runs out",
  });
  addSnooze(incidents, context);
  addDismiss(incidents, context);
  addWord(incidents, context, {
    name: "reopen",
    command: "reopen",
    summary: "take back an acknowledgement, a snooze, a dismissal or a resolve",
  });
  addNote(incidents, context);
  addIncidentRollback(incidents, context);
  addFix(incidents, context);
};

function addList(incidents: Program, context: CommandContext): void {
  const list = incidents
    .command("list")
    .summary("the open ones, the newest change first")
    .description(
      "Lists alerts that are open, or with --all the others too, and how often each rule was right.",
    );
  addRegistryOptions(list)
    .option("--all", "also what is resolved or dismissed", false)
    .option("--use-case <name>", "only of this use case")
    .action(async (flags: ListFlags) => {
      const registry = await openRegistry(context, flags);
      const query = flags.useCase === undefined ? "" : `?use_case=${encodeURIComponent(flags.useCase)}`;
      const answer = await registry.get(`/v1/incidents${query}`, IncidentsAnswer);
      const shown = answer.incidents.filter((each) => flags.all || isOpen(each));
      const now = context.clock.now();
      const rows = shown.map((each) => [
        each.incident_id,
        each.severity,
        each.state,
        each.use_case,
        each.env,
        ago(each.opened_at, now),
        each.summary,
      ]);
      context.answer({ ...answer, incidents: shown }, rows.length === 0 ? "" : formatTable([HEAD, ...rows]));
      if (rows.length === 0)
        context.say(flags.all ? "There was no alert." : "No alert is open. Those that are over: --all");
      for (const rule of answer.rules) if (rule.dismissed > 0) context.say(precisionLine(rule));
    });
}

const HEAD = ["ALERT", "SEVERITY", "STATE", "USE CASE", "ENV", "BEGAN", "SUMMARY"];

function isOpen({ state }: IncidentView): boolean {
  return state !== "resolved" && state !== "dismissed";
}

function precisionLine({ kind, metric, alerts, dismissed, precision }: RulePrecision): string {
  const share = precision === null ? "" : `, ${percent(precision)} were right`;
  return `Rule ${kind} on ${metric}: ${count(alerts, "alert")}, ${dismissed} dismissed${share}.`;
}

function addShow(incidents: Program, context: CommandContext): void {
  const show = incidents
    .command("show")
    .summary("one alert with its history")
    .description("Shows one alert: its sentence, its versions, who did what, and what may be done now.")
    .argument("<alert>", ARGUMENT);
  addRegistryOptions(show).action(async (id: string, flags: RegistryFlags) => {
    const registry = await openRegistry(context, flags);
    const incident = await readIncident(registry, id);
    context.answer(incident, describe(incident));
  });
}

const ARGUMENT = "inc_ and 16 hex digits, as the alert shows it";

function describe(incident: IncidentView): string {
  const { incident_id, candidate, incumbent, summary, state, state_changed_by, state_changed_at } = incident;
  const facts = [
    ["alert", incident_id],
    ["state", `${state} since ${minute(state_changed_at)}, by ${state_changed_by}`],
    ["version", nameOf(candidate)],
    ...(incumbent === null ? [] : [["before", nameOf(incumbent)]]),
    ["may be done", incident.commands.join(", ")],
  ];
  const history = incident.history.map(({ at, text }) => `  ${minute(at)}  ${text}`);
  return [summary, "", formatTable(facts), "", "History", ...history].join("\n");
}

function nameOf({ prompt_version, number }: IncidentView["candidate"]): string {
  return number === null ? prompt_version : `v${number}  ${prompt_version}`;
}

function addWord(
  incidents: Program,
  context: CommandContext,
  { name, command, summary }: { readonly name: string; readonly command: string; readonly summary: string },
): void {
  const word = incidents
    .command(name)
    .summary(summary)
    .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
    .argument("<alert>", ARGUMENT);
  addRegistryOptions(word).action((id: string, flags: RegistryFlags) =>
    give(context, flags, id, command, {}),
  );
}

function addSnooze(incidents: Program, context: CommandContext): void {
  const snooze = incidents
    .command("snooze")
    .summary("tell nobody for a while")
    .description("Keeps the alert quiet for a time. A higher severity wakes it.")
    .argument("<alert>", ARGUMENT);
  addRegistryOptions(snooze)
    .requiredOption("--for <span>", "such as 30m, 4h or 1d, at most 7d", readSpanUpTo("7d"))
    .action((id: string, flags: RegistryFlags & { readonly for: number }) => {
      const for_minutes = Math.ceil(flags.for / MINUTE_MS);
      return give(context, flags, id, "snooze", { for_minutes });
    });
}

function addDismiss(incidents: Program, context: CommandContext): void {
  const dismiss = incidents
    .command("dismiss")
    .summary("say that it is no regression")
    .description(
      "Marks the alert as a false alarm: it counts against the rule, and nobody hears of it again while it lasts. What comes after it is a new alert.",
    )
    .argument("<alert>", ARGUMENT);
  addRegistryOptions(dismiss)
    .requiredOption("--why <text>", "kept with the alert")
    .action((id: string, flags: RegistryFlags & { readonly why: string }) => {
      if (flags.why.trim() === "") throw new UsageError("--why must say why it is no regression");
      return give(context, flags, id, "dismiss", { why: flags.why });
    });
}

function addNote(incidents: Program, context: CommandContext): void {
  const note = incidents
    .command("note")
    .summary("add to the alert what others should know")
    .description("Adds a line to the alert's history, in whatever state it is.")
    .argument("<alert>", ARGUMENT)
    .argument("<text>");
  addRegistryOptions(note).action((id: string, text: string, flags: RegistryFlags) => {
    if (text.trim() === "") throw new UsageError("the note must say something");
    return give(context, flags, id, "note", { text });
  });
}

function addIncidentRollback(incidents: Program, context: CommandContext): void {
  const rollback = incidents
    .command("rollback")
    .summary("take back the version that the alert blames")
    .description(
      "Takes back the version that the alert blames, if it still serves, and puts the one before it back. Then waits until served calls prove the switch, as plumbline rollback does.",
    )
    .argument("<alert>", ARGUMENT);
  addRollbackOptions(addRegistryOptions(rollback))
    .option("--reason <text>", "kept in the history, beside the alert's id", "")
    .action(async (id: string, flags: RegistryFlags & RollbackFlags & { readonly reason: string }) => {
      const registry = await openRegistry(context, flags);
      const { commands, candidate, incumbent, use_case: name, env } = await readIncident(registry, id);
      if (!commands.includes("rollback") || incumbent === null) {
        throw new CommandFailure(
          EXIT.precondition,
          "nothing-to-roll-back",
          `There is nothing to roll back for ${id}: it blames no version, the registry does not know both, or it was done.`,
          { next: `plumbline incidents show ${id}` },
        );
      }
      const said = flags.reason.trim();
      const reason = said === "" ? id : `${said} (${id})`;
      const request = { name, env, from: candidate.prompt_version, to: incumbent.prompt_version, reason };
      await rollBack(request, flags, registry, context);
    });
}

async function give(
  context: CommandContext,
  flags: RegistryFlags,
  id: string,
  command: string,
  body: object,
): Promise<void> {
  const registry = await openRegistry(context, flags);
  const path = `/v1/incidents/${encodeURIComponent(id)}/${command}`;
  const answer = await registry.post(path, body, IncidentCommandAnswer);
  const { state, history } = answer.incident;
  context.answer(answer, `${id}  ${state}  ${history.at(-1)?.text ?? ""}`);
}
