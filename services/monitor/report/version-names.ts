/** What people call the versions of an incident, and whose use case it is: numbers and owners, from the registry topic. */
import { type EventLog, oneReadAtATime, readPages } from "@plumbline/ports";
import { foldRecord } from "@plumbline/registry-fold/fold";
import { createState, findUseCase } from "@plumbline/registry-fold/state";
import type { PromptDocument } from "@plumbline/prompts";
import { type Detection, type IncidentEvent, REGISTRY_TOPIC } from "@plumbline/schemas";

const READ_RECORDS = 1_000;

type Named = { readonly prompt_version: string; readonly number?: number | undefined };

export class VersionNames {
  readonly #log: Pick<EventLog, "read">;
  readonly #registry = createState();

  constructor(log: Pick<EventLog, "read">) {
    this.#log = log;
  }

  /** Folds what the registry was told since the last call. Jobs that ask at once share one read. */
  readonly refresh = oneReadAtATime(() => this.#readToEnd());

  async #readToEnd(): Promise<void> {
    const unread = { from: this.#registry.next_offset, recordsMax: READ_RECORDS };
    for await (const records of readPages(this.#log, REGISTRY_TOPIC, 0, unread)) {
      for (const record of records) foldRecord(this.#registry, record);
    }
  }

  /** The prompt of a version; null where the registry does not hold it. */
  document(
    { tenant, use_case }: Pick<Detection, "tenant" | "use_case">,
    version: string,
  ): PromptDocument | null {
    return findUseCase(this.#registry, tenant, use_case)?.versions.get(version)?.document ?? null;
  }

  /** The event with `v15` where the registry knows it; what it doesn't know stays without a number. */
  name(event: IncidentEvent, useCase: Pick<Detection, "tenant" | "use_case">): IncidentEvent {
    const known = findUseCase(this.#registry, useCase.tenant, useCase.use_case);
    if (known === undefined) return event;
    const numbered = <Side extends Named>(side: Side): Side => {
      const number = known.versions.get(side.prompt_version)?.number;
      return number === undefined ? side : { ...side, number };
    };
    if (event.type === "recovered") return { ...event, current: numbered(event.current) };
    if (event.type !== "detected") return event;
    const { candidate, incumbent } = event.detection;
    const { owner } = known.settings;
    return {
      ...event,
      detection: {
        ...event.detection,
        ...(owner === null ? {} : { owner }),
        candidate: numbered(candidate),
        incumbent: incumbent === null ? null : numbered(incumbent),
      },
    };
  }
}
