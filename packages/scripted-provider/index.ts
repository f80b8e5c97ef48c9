/** A pretend LLM provider over real HTTP that fails as it is told: for drills and for tests of degradation. */
export { startScriptedProvider, type ScriptedProvider, type ScriptedRequest } from "./provider.ts";
export { type Behaviour, type Script, FAILURES, type FailureName } from "./behaviour.ts";
export type { Usage } from "./protocols/answer.ts";
