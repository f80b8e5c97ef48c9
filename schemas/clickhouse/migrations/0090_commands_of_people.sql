-- What people do about incidents lies with what the monitor says about them.

ALTER TABLE plumbline_raw.incidents
    COMMENT COLUMN type 'what happened: detected, recovered, acknowledged, unacknowledged, snoozed, dismissed, reopened, noted, delivered, policy_noted, gate_bypassed or rolled_back';

ALTER TABLE plumbline_raw.incidents
    COMMENT COLUMN event 'whole event as JSON, with every number needed to recompute the detection; of a command its key, the state in which it was given and the door it came through';
