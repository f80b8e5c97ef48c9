import type { IncidentStateName } from "../incident/lifecycle.ts";
import type { Severity } from "@plumbline/schemas";

/** The notifier port's `Message`, spelled here because alerts know nothing of ports. */
export interface IncidentMessage {
  readonly incident_id: string;
  readonly tenant: string;
  readonly revision: number;
  readonly state: IncidentStateName;
  readonly severity: Severity;
  readonly preview: string;
  readonly title: string;
  readonly lines: readonly string[];
  readonly fields: readonly { readonly label: string; readonly value: string }[];
  readonly context: readonly string[];
  readonly links: readonly { readonly label: string; readonly url: string }[];
}
