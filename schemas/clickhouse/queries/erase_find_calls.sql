-- Which calls does an erasure concern? The id is known by its hash alone, as packages/erasure/subject-hash.ts makes it, so
-- every call of the tenant is looked at.
SELECT DISTINCT
    toString(call_id) AS call_id
FROM plumbline_raw.calls AS calls
WHERE calls.tenant = {tenant:String}
  AND started_at <= {until:DateTime64(3, 'UTC')}
  AND lower(hex(SHA256(concat(
        calls.tenant, char(0), {kind:String}, char(0),
        multiIf({kind:String} = 'conversation', conversation_id, {kind:String} = 'user', user_hash, toString(calls.call_id))
    )))) = {subject_hash:String}
