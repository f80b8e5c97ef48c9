import { IncidentView } from "@plumbline/schemas";
import type { RegistryClient } from "./registry-client.ts";

/** @throws CommandFailure exit code 4 when there is no such alert */
export async function readIncident(registry: RegistryClient, id: string): Promise<IncidentView> {
  return registry.get(`/v1/incidents/${encodeURIComponent(id)}`, IncidentView);
}
