-- Detections in which one of these names stands, as JSON writes it.
SELECT DISTINCT event
FROM plumbline_raw.incidents
WHERE tenant = {tenant:String}
  AND arrayExists(name -> position(event, name) > 0, {names:Array(String)})
