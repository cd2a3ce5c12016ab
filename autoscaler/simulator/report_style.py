"""How the report looks, in light and in dark, wide and narrow."""

STYLE = """\
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#16191d;--dim:#626b77;--line:#e2e6eb;
--ours:#2563eb;--demand:#b9c6d8;--wait:#d97706;--kill:#dc2626;--rival:#7b8694}
@media(prefers-color-scheme:dark){:root{--page:#0f1216;--card:#171b21;--ink:#e8ebef;--dim:#98a2ae;
--line:#2a3038;--ours:#6ea0ff;--demand:#3b4757;--wait:#f0a53c;--kill:#ff6b6b;
--rival:#8d98a6}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,
"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 20px 56px}
h1{font-size:26px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:17px;margin:40px 0 4px}
p{margin:0 0 12px;color:var(--dim);max-width:72ch}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;
margin:24px 0 0}
.tile,.card,.scroll,.curve{background:var(--card);border:1px solid var(--line);border-radius:10px}
.tile{padding:14px 16px}
.tile b{display:block;font-size:28px;line-height:1.15;font-weight:650;letter-spacing:-.02em}
.tile span{color:var(--dim);font-size:13px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;white-space:nowrap}
th,td{padding:8px 12px;text-align:right;border-bottom:1px solid var(--line)}
th{font-weight:500;font-size:12.5px;color:var(--dim)}
th:first-child,td:first-child{text-align:left;position:sticky;left:0;background:var(--card)}
tr:last-child td{border-bottom:0}
tr.ours td{font-weight:650}
tr.ours td:first-child{color:var(--ours)}
td.killed{color:var(--kill);font-weight:650}
.curve{position:relative;height:340px;margin-top:12px}
.curve svg{position:absolute;inset:0;width:100%;height:100%}
.axis{position:absolute;right:8px;transform:translateY(-100%);font-size:11.5px;color:var(--dim)}
.dot{position:absolute;width:11px;height:11px;margin:-5.5px;border-radius:50%;background:var(--rival);
box-shadow:0 0 0 2px var(--card)}
.dot.ours{background:var(--ours);width:15px;height:15px;margin:-7.5px}
.dot.kills{background:var(--card);border:2.5px solid var(--kill)}
.dot b{position:absolute;left:15px;top:50%;transform:translateY(-50%);font-size:12.5px;
font-weight:500;white-space:nowrap}
.dot.ours b{font-weight:700;color:var(--ours);left:19px}
.dot.left b{left:auto;right:15px}
.dot.above b,.dot.below b{left:50%;transform:translateX(-50%)}
.dot.above b{top:auto;bottom:12px}.dot.below b{top:12px}
.dot b{text-shadow:0 0 3px var(--card),0 0 3px var(--card),0 0 5px var(--card)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13px;color:var(--dim);margin:8px 0 0}
.legend i{display:inline-block;width:14px;height:10px;border-radius:2px;margin-right:6px}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:14px;
margin-top:12px}
.card{padding:14px 16px 10px}
.card h3{font-size:15px;margin:0;display:flex;justify-content:space-between;gap:12px;flex-wrap:wrap}
.card h3 span{font-weight:400;font-size:13px;color:var(--dim);font-variant-numeric:tabular-nums}
.card.ours{border-color:var(--ours)}
.card.ours h3 b{color:var(--ours)}
.card p{font-size:13px;margin:0 0 6px}
.plot{position:relative;margin-top:6px;border-bottom:1px solid var(--line)}
.plot svg{display:block;width:100%;height:100%}
.plot.tall{height:120px}.plot.short{height:52px}
.plot .top{position:absolute;right:2px;top:-2px;font-size:11px;color:var(--dim);
background:var(--card);padding:0 3px;border-radius:3px}
.hours{position:relative;height:18px;font-size:11px;color:var(--dim)}
.hours span{position:absolute;transform:translateX(-50%);white-space:nowrap}
.hours span:first-child{transform:none}
.hours .last{transform:translateX(-100%)}
line,path,polyline{vector-effect:non-scaling-stroke}
.grid{stroke:var(--line)}
.demand{fill:var(--demand)}
.slots{fill:none;stroke:var(--ours);stroke-width:1.4}
.wait{fill:var(--wait)}
.objective{stroke:var(--dim);stroke-dasharray:3 3}
.kill{stroke:var(--kill);stroke-width:2}
.frontier{fill:none;stroke:var(--dim);stroke-dasharray:4 4}
footer{margin-top:36px;font-size:13px;color:var(--dim)}
"""
