/** `plumbline policy`: what happens without a person, and stopping it. */
import type { Command as Program } from "commander";
import { FleetAccepted, ModelName } from "@plumbline/schemas";
import type { AddCommand, CommandContext } from "../../shell/command.ts";
import { UsageError } from "../../shell/failure.ts";
import {
  addEnvOption,
  addRegistryOptions,
  checkEnv,
  openConfigIfAny,
  openRegistry,
  type EnvFlags,
  type RegistryFlags,
} from "../../project/project-options.ts";
import { FleetsAnswer, type Fleet } from "../../registry/answers.ts";
import { ago } from "../../text/spoken.ts";
import { printableLine } from "../../text/printable.ts";

interface PolicyFlags extends RegistryFlags, EnvFlags {
  readonly reason?: string;
}

/** Changes that `status` shows. */
const CHANGES_SHOWN = 10;

export const addPolicy: AddCommand = (program, context) => {
  const command = program
    .command("policy")
    .summary("what happens without a person, and stopping it")
    .description(
      "The policy service takes rollouts on and back, takes back versions whose guardrail regressed, and switches models off that fail in the whole fleet. This says what it did, pauses it, and switches models by hand.",
    )
    .addHelpText(
      "before",
      `Examples:
  plumbline policy status
  plumbline policy pause --reason "we debug the judge"
  plumbline policy resume --reason "the judge is mended"
  plumbline policy off openai/gpt-5-mini --reason "its answers are cut"
`,
    );
  addStatus(command, context);
  for (const state of ["paused", "running"] as const) addAutomation(command, context, state);
  for (const state of ["off", "on"] as const) addModel(command, context, state);
};

function addStatus(command: Program, context: CommandContext): void {
  addEnvOption(
    addRegistryOptions(command.command("status").summary("what is paused and switched off")),
  ).action(async (flags: PolicyFlags) => {
    const { env, registry } = await open(context, flags);
    const { fleets } = await registry.get("/v1/fleets", FleetsAnswer);
    const fleet = fleets.find((each) => each.env === env) ?? null;
    context.answer({ env, fleet }, describe(env, fleet, context.clock.now()).map(printableLine).join("\n"));
  });
}

function addAutomation(command: Program, context: CommandContext, state: "paused" | "running"): void {
  const isPause = state === "paused";
  const sub = command
    .command(isPause ? "pause" : "resume")
    .summary(
      isPause
        ? "nothing moves by itself: no rollout, no rollback, no model"
        : "the policy service acts again",
    );
  addEnvOption(addRegistryOptions(sub))
    .requiredOption("--reason <text>", "kept in the history")
    .action(async (flags: PolicyFlags) => {
      const { env, registry, reason } = await open(context, flags);
      const body = { state, reason };
      const accepted = await registry.post(`/v1/fleets/${env}/automation`, body, FleetAccepted);
      const said = accepted.changed ? "" : " already";
      context.answer({ ...accepted, state }, `automation in ${env} is ${state}${said}`);
      if (isPause)
        context.say(`People go on as before. Reverse: plumbline policy resume --env ${env} --reason "…"`);
    });
}

function addModel(command: Program, context: CommandContext, state: "off" | "on"): void {
  const sub = command
    .command(state)
    .summary(
      state === "off"
        ? "applications leave a model out, until a person switches it on"
        : "applications ask a model again",
    )
    .argument("<model>", "as prompts and policies name it, such as openai/gpt-5-mini");
  addEnvOption(addRegistryOptions(sub))
    .requiredOption("--reason <text>", "kept in the history")
    .action(async (model: string, flags: PolicyFlags) => {
      if (!ModelName.safeParse(model).success)
        throw new UsageError(`"${model}" is no model. Write it as policies do, such as openai/gpt-5-mini`);
      const { env, registry, reason } = await open(context, flags);
      const accepted = await registry.post(
        `/v1/fleets/${env}/models`,
        { model, state, reason },
        FleetAccepted,
      );
      const said = accepted.changed ? "" : " already";
      context.answer({ ...accepted, model, state }, `${model} is ${state} in ${env}${said}`);
      if (state === "off")
        context.say(
          `Calls go to their fallback models, but for a few that try it. Reverse: plumbline policy on ${model} --env ${env} --reason "…"`,
        );
    });
}

async function open(context: CommandContext, flags: PolicyFlags) {
  if (flags.reason?.trim() === "") throw new UsageError("--reason must say why");
  const found = await openConfigIfAny(context, flags);
  const env = checkEnv(flags, found?.config);
  return { env, reason: flags.reason, registry: await openRegistry(context, flags, found ?? undefined) };
}

function describe(env: string, fleet: Fleet | null, now: number): readonly string[] {
  const { paused = null, models_off = [], changes = [] } = fleet ?? {};
  return [
    paused === null
      ? `automation   runs in ${env}`
      : `automation   is paused in ${env} ${ago(paused.at, now)} by ${paused.actor}: ${paused.reason}`,
    ...(models_off.length === 0
      ? [`models       none is off in ${env}`]
      : models_off.map(
          ({ model, at, actor, reason }) =>
            `model        ${model} is off ${ago(at, now)} by ${actor}: ${reason}`,
        )),
    ...changes
      .slice(0, CHANGES_SHOWN)
      .map(
        ({ model, state, at, actor, reason }) =>
          `change       ${model ?? "automation"} ${state} ${ago(at, now)} by ${actor}: ${reason}`,
      ),
  ];
}
