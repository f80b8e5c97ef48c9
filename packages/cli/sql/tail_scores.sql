-- Which judged calls got a score in this range from this place on? For following bad answers as they are found.
-- Place: judged_at and id of the score that was read last, id being call, criterion and judge; since is the same time
-- or an earlier one. Oldest first; is_newest_first asks for the last ones of the window instead.
-- comparison is one of < <= > >= =. An empty use_case, env or prompt_version asks for all; a prompt_version may be
-- shortened.
SELECT
    call_id,
    concat(call_id, ' ', criterion, ' ', rubric_hash, ' ', judge) AS id,
    judged_at AS at,
    event_at,
    env,
    use_case,
    prompt_version,
    model,
    conversation_id,
    criterion,
    score,
    judge,
    explanation
FROM plumbline.scores_v1
WHERE judged_at >= {since:DateTime64(3, 'UTC')}
  AND (judged_at, concat(call_id, ' ', criterion, ' ', rubric_hash, ' ', judge))
      > ({after:DateTime64(3, 'UTC')}, {after_id:String})
  AND state = 'scored'
  AND multiIf(
      {comparison:String} = '<', score < {bound:Float64},
      {comparison:String} = '<=', score <= {bound:Float64},
      {comparison:String} = '>', score > {bound:Float64},
      {comparison:String} = '>=', score >= {bound:Float64},
      score = {bound:Float64}
  )
  AND ({use_case:String} = '' OR use_case = {use_case:String})
  AND ({env:String} = '' OR env = {env:String})
  AND ({prompt_version:String} = '' OR startsWith(prompt_version, {prompt_version:String}))
ORDER BY
    if({is_newest_first:Bool}, -toUnixTimestamp64Milli(judged_at), toUnixTimestamp64Milli(judged_at)),
    id
LIMIT {limit:UInt64}
