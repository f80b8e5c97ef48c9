/** People whom an identity provider's proxy has signed in: the header says who, the address says that it may be believed. */
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { AccessRefused, type Guard, type Principal } from "@plumbline/runtime/http";
import { InvalidConfigError } from "@plumbline/runtime/variables/load-config";
import { Scope } from "@plumbline/schemas";
import { z } from "zod";
import { forbidden, mayUse } from "./key-guard.ts";
import { CSRF_HEADER } from "./sessions.ts";

/** Environment of a server with pages that stands behind an identity provider's proxy. */
export const IdentityConfig = z.object({
  PLUMBLINE_IDENTITY_HEADER: z
    .string()
    .regex(/^[a-z0-9-]+$/i, "must be the name of a header")
    .optional()
    .describe("header in which a proxy names the person it signed in; needs `PLUMBLINE_TRUSTED_PROXY`"),
  PLUMBLINE_TRUSTED_PROXY: z
    .string()
    .optional()
    .describe("addresses or networks of that proxy, comma-separated; the header of anybody else is ignored"),
  PLUMBLINE_IDENTITY_SCOPES: z
    .string()
    .default("read")
    .transform((list) => list.split(",").map((scope) => scope.trim()))
    .pipe(z.array(Scope).min(1))
    .describe("what such a person may do, comma-separated"),
  PLUMBLINE_IDENTITY_TENANT: z.string().min(1).default("default").describe("tenant of such a person"),
});

const NAME_CHARS_MAX = 200;
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** `guard`, and beside it the people that the trusted proxy names. @throws InvalidConfigError */
export function withIdentity(guard: Guard, config: z.output<typeof IdentityConfig>): Guard {
  const { PLUMBLINE_IDENTITY_HEADER: header, PLUMBLINE_TRUSTED_PROXY: proxies } = config;
  if (header === undefined && proxies === undefined) return guard;
  if (header === undefined || proxies === undefined) {
    throw new InvalidConfigError(
      "invalid configuration:\n  PLUMBLINE_IDENTITY_HEADER and PLUMBLINE_TRUSTED_PROXY: set both, or neither",
    );
  }
  const trusted = readNetworks(proxies);
  const scopes = new Set(config.PLUMBLINE_IDENTITY_SCOPES);
  const tenant = config.PLUMBLINE_IDENTITY_TENANT;
  return {
    asksForKeys: guard.asksForKeys,
    async check(request, scope) {
      const name = request.get(header)?.trim() ?? "";
      const address = request.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
      const isTrusted = trusted.check(address, isIPv6(address) ? "ipv6" : "ipv4");
      if (name === "" || name.length > NAME_CHARS_MAX || !isTrusted) return guard.check(request, scope);
      if ((request.headersDistinct[header.toLowerCase()]?.length ?? 0) > 1) throw doubled(header);
      const principal: Principal = { tenant, name, scopes, key_id: null, isOperator: false };
      if (!mayUse(principal, scope)) throw forbidden(principal, scope);
      // A foreign page can't send a header of its own: the browser would ask us first.
      if (SAFE_METHODS.has(request.method) || request.get(CSRF_HEADER) !== undefined) return principal;
      throw new AccessRefused(
        {
          type: "urn:plumbline:csrf",
          title: "Forbidden",
          status: 403,
          detail: `What changes state needs the header ${CSRF_HEADER}, with any value.`,
        },
        {},
        principal,
      );
    },
  };
}

/** One name came from the proxy; who sent the other, nobody knows. */
function doubled(header: string): AccessRefused {
  return new AccessRefused(
    {
      type: "urn:plumbline:bad-request",
      title: "Bad request",
      status: 400,
      detail: `The header ${header} was sent more than once; let the proxy remove what clients send under that name.`,
    },
    {},
    null,
  );
}

function readNetworks(list: string): BlockList {
  const networks = new BlockList();
  for (const entry of list.split(",").map((each) => each.trim())) {
    const [address = "", bits] = entry.split("/");
    const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : null;
    const prefix = bits === undefined ? null : Number(bits);
    const isPrefix =
      prefix === null || (/^\d{1,3}$/.test(bits ?? "") && prefix <= (family === "ipv4" ? 32 : 128));
    if (family === null || !isPrefix) {
      throw new InvalidConfigError(
        `invalid configuration:\n  PLUMBLINE_TRUSTED_PROXY: "${entry}" is no address and no network such as 10.0.0.0/8`,
      );
    }
    if (prefix === null) networks.addAddress(address, family);
    else networks.addSubnet(address, prefix, family);
  }
  return networks;
}
