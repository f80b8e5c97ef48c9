/**
 * HTTP for every service: one way to declare routes, answer errors, report health, listen and stop.
 *
 * Only this folder imports express, and only `listen.ts` makes a server. A service declares its routes as a list;
 * unknown paths, wrong methods and everything that a handler throws become `application/problem+json` (RFC 9457) in
 * `app.ts`; whom a server answers at all is decided in `foreign-requests.ts`.
 */
export { AccessRefused, createOpenGuard, DEFAULT_TENANT, type Guard } from "./access.ts";
export { createHttpApp } from "./app.ts";
export { type BodyReader, createBodyReader } from "./body.ts";
export { firstInvalidLine, inUtf8, readWholeText } from "./charset.ts";
export { isLoopback, listen, type Listening } from "./listen.ts";
export { HttpProblem } from "./problem.ts";
export type { HttpApp, Principal, Request, Response, Route } from "./route.ts";
export { createHttpService, type HttpService } from "./service.ts";
export type { TlsFiles } from "./tls.ts";
