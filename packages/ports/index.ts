export * from "./clock.ts";
export * from "./errors.ts";
export * from "./event-log.ts";
export * from "./judge.ts";
export * from "./notifier.ts";
export * from "./refuse-gap.ts";
export * from "./store.ts";
export * from "./unreachable.ts";
