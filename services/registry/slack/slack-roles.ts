/** Who in Slack may do what: an e-mail address has a role, and a role has scopes. */
import type { Scope } from "@plumbline/schemas";

const SCOPES_BY_ROLE = {
  viewer: ["read"],
  responder: ["read", "respond"],
  approver: ["read", "respond", "deploy"],
} as const satisfies Readonly<Record<string, readonly Scope[]>>;
type Role = keyof typeof SCOPES_BY_ROLE;

/** Roles by e-mail address, in lower case; `*@example.com` is everybody there who is not named. */
export type SlackRoles = ReadonlyMap<string, Role>;

/** `ann@example.com=approver,*@example.com=responder`; null when it can't be read. */
export function readRoles(list: string): SlackRoles | null {
  const roles = new Map<string, Role>();
  for (const pair of list.split(",").map((each) => each.trim())) {
    const [, address = "", role = ""] = /^((?:\*|[^\s=@*]+)@[^\s=@]+)=(\w+)$/.exec(pair) ?? [];
    if (address === "" || !(role in SCOPES_BY_ROLE) || roles.has(address.toLowerCase())) return null;
    roles.set(address.toLowerCase(), role as Role);
  }
  return roles;
}

export function scopesOf(roles: SlackRoles, email: string): ReadonlySet<Scope> {
  const address = email.toLowerCase();
  const role = roles.get(address) ?? roles.get(`*${address.slice(address.lastIndexOf("@"))}`);
  return new Set(role === undefined ? [] : SCOPES_BY_ROLE[role]);
}

/** Who may, for people who may not. */
export function whoMay(roles: SlackRoles, scope: Scope): readonly string[] {
  return [...roles]
    .filter(([, role]) => (SCOPES_BY_ROLE[role] as readonly Scope[]).includes(scope))
    .map(([address]) => address);
}
