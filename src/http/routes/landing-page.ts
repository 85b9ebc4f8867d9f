/** What a browser sees at /. */
export const LANDING_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>FletchDB</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem } pre { background: #8881; padding: .8rem; overflow: auto }</style>
<h1>FletchDB</h1>
<p>A columnar time-series database. This address answers SQL over HTTP:</p>
<pre>curl http://localhost:8123 -d 'SELECT 1 AS one'
curl 'http://localhost:8123/?query=SHOW+TABLES&amp;format=pretty'</pre>
<p>Routes: <a href="/tables">tables</a>, <a href="/queries">queries</a>, <a href="/metrics">metrics</a>, <a href="/health">health</a>,
<a href="/openapi.json">openapi.json</a>.</p>
</html>
`;
