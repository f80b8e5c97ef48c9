export * from "./bypass-notice.ts";
export * from "./incident-fold.ts";
export * from "./incident-key.ts";
export * from "./lifecycle.ts";
export * from "./message.ts";
export * from "./rollback.ts";
export * from "./runbook.ts";
export { isRaised } from "./severity.ts";
export * from "./without-customer-words.ts";
