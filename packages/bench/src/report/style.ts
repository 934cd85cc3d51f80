/** The style sheet of the report. Colours of series keep apart for all kinds of colour vision, on light and on dark. */
export const STYLE = `
:root{--page:#f6f7f9;--card:#fff;--ink:#1b2430;--soft:#5c6877;--line:#dfe4ea;--good:#0b7a4b;--bad:#b3261e;--warn:#8a5a00;
--s0:#0b62c4;--s1:#e07b00;--s2:#00856f;--s3:#b0408f;--s4:#6a5acd;--s5:#8a6d1d;--s6:#3f8fb5;--s7:#707a86;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--page:#11161d;--card:#1a212b;--ink:#e6ebf2;--soft:#9aa7b6;--line:#2e3845;--good:#4fd09a;--bad:#ff8a80;--warn:#f0c060;
--s0:#5aa9ff;--s1:#ffab4c;--s2:#3fcdb2;--s3:#ec86cf;--s4:#a89bff;--s5:#d8b95a;--s6:#83cbe8;--s7:#a5b0bd}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1240px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:30px;margin:0 0 4px;letter-spacing:-.02em}
h2{font-size:20px;margin:44px 0 2px;letter-spacing:-.01em}
h3{font-size:14px;margin:0 0 2px}
p{margin:4px 0 12px;color:var(--soft)}
.badge{display:inline-block;border-radius:99px;padding:1px 11px;font-size:13px;font-weight:600;border:1px solid currentColor}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
.facts{display:flex;flex-wrap:wrap;gap:6px 26px;margin:16px 0 8px;padding:14px 18px;background:var(--card);border:1px solid var(--line);border-radius:12px}
.facts div{font-size:13px}.facts b{display:block;font-size:11px;text-transform:uppercase;letter-spacing:.06em;color:var(--soft);font-weight:600}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px;margin:14px 0}
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
th,td{padding:7px 12px;text-align:right;white-space:nowrap;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--soft);font-weight:600}
td:nth-child(-n+3),th:nth-child(-n+3){text-align:left}
tr.other td{color:var(--soft)}tr.other td.bad{color:var(--bad);font-weight:600}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,350px),1fr));gap:16px}
figure{margin:0;padding:16px 18px 12px;background:var(--card);border:1px solid var(--line);border-radius:12px;min-width:0}
figcaption{margin-bottom:6px;font-size:12.5px;color:var(--soft)}figcaption b{display:block;color:var(--ink);font-size:14px}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--ink);font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
svg .tick{fill:var(--soft);font-size:11px}svg .name,.value{paint-order:stroke;stroke:var(--card);stroke-width:4px;stroke-linejoin:round}.value{font-weight:600}.unit{font-style:italic}
.grid{stroke:var(--line);stroke-width:1}.target{stroke:var(--good);stroke-width:1.6;stroke-dasharray:5 4}svg .target-text{fill:var(--good)}
.dot{fill:var(--card);stroke:var(--ink);stroke-width:1.1;opacity:.85}
.line{fill:none;stroke-width:1.3;stroke-linejoin:round;opacity:.75}.line.s0{stroke-width:2.4;opacity:1}
.bound{stroke:var(--good);stroke-width:2.4}
.problems,.notes{font-size:13px;margin:6px 0;padding-left:20px}.problems{color:var(--bad)}.notes{color:var(--soft)}
${Array.from({ length: 8 }, (_, i) => `.s${i}{fill:var(--s${i})}.line.s${i}{stroke:var(--s${i});fill:none}`).join('')}
@media (max-width:520px){main{padding:20px 10px 48px}figure{padding:12px 12px 8px}h1{font-size:26px}}
@media print{body{background:#fff}figure,.scroll{break-inside:avoid}}
`;
