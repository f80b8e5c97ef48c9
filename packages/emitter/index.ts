/** Sends one event per LLM call to a Plumbline collector. Never throws, never blocks, counts what it loses. */
export { createEmitter, type Emitter } from "./emitter.ts";
export type { EmitterOptions } from "./emitter-options.ts";
export type { CaptureMode, Redact } from "./prepare-call.ts";
export type { DropReason, EmitterStats, FlushResult } from "./emitter-stats.ts";
export type { Attempt, CallPath, CallStatus, ClientReport, LlmCall, NewCall } from "./llm-call.ts";
export type { OutgoingCall, SendResult, Transport } from "./transport.ts";
export { createHttpTransport, type HttpTransportOptions } from "./http-transport.ts";
export { createRecordingTransport, type RecordingTransport } from "./recording-transport.ts";
export { backoffMs, createWarner, messageOf, pause, retryAfterMs, unref, type Warn } from "./delivering.ts";
export { uuidV7 } from "./uuid-v7.ts";
