// The same job in SQL: read directory, seats, contracts and both sign-in logs, give each seat its verdict, and each
// product its position. Writes verdicts.csv and positions.csv into the folder named by the second argument.
import {DuckDBInstance} from '@duckdb/node-api';

const [dir, out, asOf] = process.argv.slice(2);
const db = await DuckDBInstance.create(':memory:', {threads: process.env.PEER_THREADS ?? '2'});
const sql = await db.connect();
const run = (text) => sql.run(text);

await run(`set TimeZone = 'UTC'`);
await run(`create table people as
  select id, status, profile.login as login, lower(profile.login) as folded
  from read_json('${dir}/users.jsonl', format='newline_delimited',
    columns={id: 'varchar', status: 'varchar', profile: 'struct(login varchar)'})`);

// Successful sign-ins only; the newest instant for each person and application.
await run(`create table used as
  with events as (
    select p.folded, list_filter(e.target, t -> t.type = 'AppInstance')[1].displayName as application,
           e.published::timestamp as instant
    from read_json('${dir}/events.jsonl', format='newline_delimited', columns={eventType: 'varchar', published: 'varchar',
      actor: 'struct(id varchar)', outcome: 'struct(result varchar)',
      target: 'struct(type varchar, displayName varchar)[]'}) e
    join people p on p.id = e.actor.id
    where e.eventType = 'user.authentication.sso' and e.outcome.result = 'SUCCESS'
    union all
    select lower(account), application, time::timestamp
    from read_csv('${dir}/events.csv', header=true, columns={time: 'varchar', account: 'varchar', application: 'varchar',
      outcome: 'varchar', interactive: 'varchar', address: 'varchar', session: 'varchar', note: 'varchar'})
    where outcome = 'success')
  select folded, lower(application) as application, max(instant) as newest from events group by 1, 2`);

await run(`create table seats as
  select lower(account) as folded, min(account) as account, product, min(assigned) as assigned, count(*) as paths
  from read_csv('${dir}/seats.csv', header=true,
    columns={account: 'varchar', product: 'varchar', assigned: 'varchar', path: 'varchar'}) group by 1, 3`);

await run(`create table verdicts as
  select coalesce(p.id, s.account) as holder, s.account, s.product,
    case when p.id is null then 'orphan'
         when p.status = 'DEPROVISIONED' then 'leaver'
         when u.newest is null then 'never-used'
         when date_diff('day', u.newest, timestamp '${asOf}') <= 60 then 'in-use'
         else 'idle' end as verdict,
    u.newest, date_diff('day', u.newest, timestamp '${asOf}') as idle_days
  from seats s
  left join people p using (folded)
  left join used u on u.folded = s.folded and u.application = 'app ' || right(s.product, 2)
  union all
  select p.id, null, 'p' || right(u.application, 2), 'unlicensed-use', u.newest, date_diff('day', u.newest, timestamp '${asOf}')
  from used u join people p using (folded)
  anti join seats s on s.folded = u.folded and s.product = 'p' || right(u.application, 2)`);

await run(`copy (select * from verdicts order by product, holder, account) to '${out}/verdicts.csv' (header)`);

await run(`copy (
  select v.product, c.purchased, count(v.account) as assigned, count(v.account) filter (idle_days <= 60) as active,
    count(*) filter (verdict in ('idle', 'never-used')) as idle, c.purchased - count(v.account) as spare
  from verdicts v join (
    select product, sum(quantity) as purchased from read_csv('${dir}/contracts.csv', header=true)
    where start <= date '${asOf}' and "end" >= date '${asOf}' group by 1) c using (product)
  group by v.product, c.purchased order by v.product) to '${out}/positions.csv' (header)`);

const counts = await sql.runAndReadAll(`select verdict, count(*)::integer as n from verdicts group by 1 order by 1`);
console.log(JSON.stringify(Object.fromEntries(counts.getRows())));
