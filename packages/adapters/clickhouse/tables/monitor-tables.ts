/** The monitor's tables: baselines, evidence, states, drift. */
import type { BaselineInsert, DriftResult, EvidenceRow, QualityStateRow } from "@plumbline/ports";
import { type TableEncoding, toDateTime64 } from "../encode/encode-rows.ts";

export const BASELINES: TableEncoding<BaselineInsert> = {
  table: "plumbline_raw.baseline_snapshots",
  columns: {
    snapshot_id: (row) => row.snapshot_id,
    tenant: (row) => row.tenant,
    env: (row) => row.env,
    use_case: (row) => row.use_case,
    criterion: (row) => row.criterion,
    rubric_hash: (row) => row.rubric_hash,
    judge: (row) => row.judge,
    prompt_version: (row) => row.prompt_version,
    incumbent_version: (row) => row.incumbent_version,
    deployed_at: (row) => toDateTime64(row.deployed_at),
    reference_start: (row) => toDateTime64(row.reference_start),
    reference_end: (row) => toDateTime64(row.reference_end),
    units: (row) => row.units,
    score_sum: (row) => row.score_sum,
    dispersion: (row) => row.dispersion,
    tempering: (row) => row.tempering,
    coefficients: (row) => row.coefficients,
    streams: (row) => row.streams,
    stream_weights: (row) => row.stream_weights,
    stream_margins: (row) => row.stream_margins,
    stream_units: (row) => row.stream_units.map(Math.round),
    misfits_expected: (row) => row.misfits_expected,
    snapshot: (row) => JSON.stringify(row.snapshot),
    created_at: (row) => toDateTime64(row.created_at),
  },
};

export const EVIDENCE: TableEncoding<EvidenceRow> = {
  table: "plumbline_raw.evidence_hourly",
  columns: {
    snapshot_id: (row) => row.snapshot_id,
    tenant: (row) => row.tenant,
    env: (row) => row.env,
    use_case: (row) => row.use_case,
    criterion: (row) => row.criterion,
    prompt_version: (row) => row.prompt_version,
    stream: (row) => row.stream,
    // The column has whole seconds.
    // The column has whole seconds.
    hour: (row) => toDateTime64(row.hour).slice(0, 19),
    units: (row) => row.units,
    score_sum: (row) => row.score_sum,
    expected_sum: (row) => row.expected_sum,
    log_factors: (row) => row.log_factors,
    clearance_factors: (row) => row.clearance_factors,
    computed_at: (row) => toDateTime64(row.computed_at),
  },
};

export const QUALITY_STATES: TableEncoding<QualityStateRow> = {
  table: "plumbline_raw.quality_states",
  columns: {
    tenant: (row) => row.tenant,
    env: (row) => row.env,
    use_case: (row) => row.use_case,
    criterion: (row) => row.criterion,
    rubric_hash: (row) => row.rubric_hash,
    judge: (row) => row.judge,
    prompt_version: (row) => row.prompt_version,
    snapshot_id: (row) => row.snapshot_id,
    state: (row) => row.state,
    at: (row) => toDateTime64(row.at),
    units: (row) => row.units,
    log_m: (row) => row.log_m,
    log_threshold: (row) => row.log_threshold,
  },
};

export const DRIFT_RESULTS: TableEncoding<DriftResult> = {
  table: "plumbline_raw.drift_results",
  columns: {
    tenant: (row) => row.tenant,
    env: (row) => row.env,
    use_case: (row) => row.use_case,
    prompt_version: (row) => row.prompt_version,
    feature: (row) => row.feature,
    method: (row) => row.method,
    reference_start: (row) => toDateTime64(row.reference_start),
    reference_end: (row) => toDateTime64(row.reference_end),
    window_start: (row) => toDateTime64(row.window_start),
    window_end: (row) => toDateTime64(row.window_end),
    reference_units: (row) => row.reference_units,
    current_units: (row) => row.current_units,
    value: (row) => row.value,
    threshold: (row) => row.threshold,
    p_value: (row) => row.p_value,
    verdict: (row) => row.verdict,
    bins: (row) => JSON.stringify(row.bins),
    computed_at: (row) => toDateTime64(row.computed_at),
  },
};
