import type { Request, Response, Route } from "@plumbline/runtime/http";

/** The inbox page as routes: a key sees the incidents of its tenant, an operator those of all. */
export function inboxRoutes(
  paths: readonly { readonly path: string; readonly isPage: boolean }[],
  handle: (request: Request, response: Response, tenant: string | null) => void,
): readonly Route[] {
  return paths.map(({ path, isPage }) => ({
    method: "GET",
    path,
    isPage,
    access: "read",
    handle: (request, response, { isOperator, tenant }) =>
      handle(request, response, isOperator ? null : tenant),
  }));
}
