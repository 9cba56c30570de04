// The engine's part of the job in SQL: tables in memory to verdicts, their counts, and positions. What loading takes is
// not counted.
import {DuckDBInstance} from '@duckdb/node-api';

const [dir, asOf] = process.argv.slice(2);
const db = await DuckDBInstance.create(':memory:', {threads: process.env.PEER_THREADS ?? '2'});
const sql = await db.connect();
const run = (text) => sql.run(text);
const rows = async (text) => (await sql.runAndReadAll(text)).getRows();
const read = (name, columns) => `read_csv('${dir}/${name}.csv', header=false, columns={${columns}})`;

await run(`set TimeZone = 'UTC'`);
await run(`create table people as select * from ${read('people', "id: 'varchar', login: 'varchar', status: 'varchar'")}`);
await run(`create table paths as select * from ${read('seats', "account: 'varchar', product: 'varchar', assigned: 'timestamp', path: 'varchar'")}`);
await run(`create table used as select * from ${read('uses', "account: 'varchar', application: 'varchar', newest: 'timestamp'")}`);
await run(`create table contracts as select * from ${read('purchases', "product: 'varchar', purchased: 'bigint'")}`);

const begin = process.hrtime.bigint(), cpu = process.cpuUsage();
await run(`create table verdicts as
  with seats as (select lower(account) as folded, min(account) as account, product, max(assigned) as assigned, min(assigned) as since,
      count(*) as paths from paths group by 1, product),
    directory as (select id, status, lower(login) as folded from people),
    activity as (select lower(account) as folded, 'p' || right(application, 2) as product, max(newest) as newest from used group by 1, 2)
  select coalesce(p.id, s.account) as holder, s.account, s.product,
    case when p.id is null then 'orphan'
         when p.status = 'DEPROVISIONED' then 'leaver'
         when u.newest is not null and least(date_diff('day', u.newest, timestamp '${asOf}'), date_diff('day', s.assigned, timestamp '${asOf}')) <= 60 then 'in-use'
         when u.newest is null and date_diff('day', s.assigned, timestamp '${asOf}') <= 30 then 'new'
         when u.newest is null then 'never-used'
         else 'idle' end as verdict,
    u.newest, s.assigned, s.paths
  from seats s
  left join directory p using (folded)
  left join activity u on u.folded = s.folded and u.product = s.product
  union all
  select p.id, null, u.product, 'unlicensed-use', u.newest, null, 0
  from activity u join directory p using (folded)
  anti join seats s on s.folded = u.folded and s.product = u.product`);
const verdicts = await rows(`select verdict, count(*)::integer from verdicts group by 1`);
const positions = await rows(`select product, purchased::integer as bought, count(v.account)::integer as assigned,
    count(v.account) filter (date_diff('day', newest, timestamp '${asOf}') <= 60)::integer as active,
    count(*) filter (verdict in ('idle', 'never-used'))::integer as idle, (purchased - count(v.account))::integer as spare
  from verdicts v join contracts using (product) group by product, purchased order by 1`);
const seconds = Number(process.hrtime.bigint() - begin) / 1e9, spent = process.cpuUsage(cpu);

const counts = Object.fromEntries(verdicts);
console.log(JSON.stringify({seconds, cpu: (spent.user + spent.system) / 1e6, rows: Object.values(counts).reduce((a, b) => a + b, 0), verdicts: counts,
  positions}));
