export * from "./events/llm-call.ts";
export * from "./events/verdict.ts";
export * from "./events/feedback.ts";
export * from "./events/incident-event.ts";
export * from "./events/registry-event.ts";
export * from "./http/problem.ts";
export * from "./http/calls.ts";
export * from "./topics.ts";
