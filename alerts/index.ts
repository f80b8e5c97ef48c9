export * from "./incident/bypass-notice.ts";
export * from "./incident/identity.ts";
export * from "./incident/incident-fold.ts";
export * from "./incident/lifecycle.ts";
export * from "./message/bypass-message.ts";
export * from "./message/message.ts";
export { runbooksDir } from "./message/runbooks.ts";
export { isTimeZone } from "./words/moment.ts";
export * from "./message/without-customer-words.ts";
