import {
  AccessRefused,
  type Principal,
  type Request,
  type Response,
  type Route,
} from "@plumbline/runtime/http";

/**
 * The inbox page as routes. An inbox shows the incidents of every tenant, as a Slack channel does, so that it opens to
 * operators, and to the keys of one tenant where it is that tenant's alone.
 *
 * @param tenant whose keys open it beside the operators; null: nobody's
 */
export function inboxRoutes(
  paths: readonly { readonly path: string; readonly isPage: boolean }[],
  handle: (request: Request, response: Response) => void,
  tenant: string | null,
): readonly Route[] {
  return paths.map(({ path, isPage }) => ({
    method: "GET",
    path,
    isPage,
    access: "read",
    handle(request, response, sender) {
      if (!sender.isOperator && sender.tenant !== tenant) throw notYours(sender);
      handle(request, response);
    },
  }));
}

function notYours(sender: Principal): AccessRefused {
  return new AccessRefused(
    {
      type: "urn:plumbline:forbidden",
      title: "Forbidden",
      status: 403,
      detail: `The inbox shows every tenant's incidents, and the key of ${sender.name} is tenant ${sender.tenant}'s. Open it with the admin key, or set PLUMBLINE_INBOX_TENANT where the inbox is one tenant's alone.`,
    },
    {},
    sender,
  );
}
