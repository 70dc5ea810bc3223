// The page's liveness. Everything here only repeats what the server rendered.
(function () {
  'use strict';
  const $ = (id) => document.getElementById(id);

  // Copy buttons beside every text that is made for copying.
  const words = document.body.dataset;
  document.querySelectorAll('.told .copy').forEach((el) => {
    const b = document.createElement('button');
    b.type = 'button';
    b.className = 'copy-button';
    b.textContent = words.copy;
    b.addEventListener('click', async (e) => {
      e.preventDefault();
      try { await navigator.clipboard.writeText(el.textContent); } catch (_) {
        const r = document.createRange(); r.selectNodeContents(el);
        const s = getSelection(); s.removeAllRanges(); s.addRange(r); document.execCommand('copy');
      }
      b.textContent = words.copied;
      setTimeout(() => { b.textContent = words.copy; }, 1500);
    });
    el.after(b);
  });

  // The link of the console brings the key behind its #, which is sent to nobody.
  const token = document.querySelector('input[name="token"]');
  if (token && location.hash.length > 8) {
    token.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, '', '/');
    token.form.submit();
  }

  document.querySelectorAll('[data-print]').forEach((b) => {
    b.hidden = false;
    b.addEventListener('click', () => print());
  });

  // A link into a fold opens it.
  const unfold = () => {
    const at = location.hash && $(decodeURIComponent(location.hash.slice(1)));
    for (let el = at; el; el = el.parentElement) if (el.tagName === 'DETAILS') el.open = true;
    if (at) at.scrollIntoView();
  };
  addEventListener('hashchange', unfold);
  unfold();

  // The chart of the traffic.
  let plot;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const short = (v) => v >= 1e6 ? (v / 1e6).toFixed(1) + ' MB' : v >= 1e3 ? Math.round(v / 1e3) + ' kB' : v + ' B';
  const draw = () => {
    const box = $('plot'), series = document.querySelector('.series');
    if (!box || !series || typeof uPlot === 'undefined') return;
    const data = JSON.parse(series.dataset.series);
    if (!data[0].length) return;
    if (plot) { plot.setData(data); return; }
    const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line') } };
    plot = new uPlot({
      width: Math.max(240, box.clientWidth), height: 200, legend: { live: false }, cursor: { show: false },
      axes: [Object.assign({}, axis), Object.assign({ size: 64, values: (_, v) => v.map(short) }, axis)],
      series: [{}, { label: box.dataset.sent, stroke: colour('--link'), width: 2, fill: colour('--unknown-bg') },
        { label: box.dataset.received, stroke: colour('--good'), width: 2, dash: [6, 4] }],
    }, data, box);
    addEventListener('resize', () => plot.setSize({ width: Math.max(240, box.clientWidth), height: 200 }));
  };
  addEventListener('load', draw);

  // The stream of changes: each message is an element and its new content.
  const live = $('live');
  if (!live) return;
  const put = (p) => {
    const el = $(p.id);
    if (!el || el.contains(document.activeElement) && document.activeElement !== document.body) return;
    const fresh = document.createElement('template');
    fresh.innerHTML = p.html;
    if (fresh.innerHTML === el.innerHTML) return;
    el.replaceChildren(fresh.content);
    if (p.id === 'live-chart') draw();
  };
  const open = () => {
    const s = new EventSource(live.dataset.follow === 'any' ? '/live' : live.dataset.live);
    s.onopen = () => { $('lost').hidden = true; document.documentElement.dataset.connected = 'yes'; };
    s.onmessage = (m) => { put(JSON.parse(m.data)); document.documentElement.dataset.updated = String(Date.now()); };
    s.onerror = () => {
      $('lost').hidden = false;
      document.documentElement.dataset.connected = 'no';
      if (s.readyState === EventSource.CLOSED) setTimeout(open, 2000);
    };
  };
  open();
})();
