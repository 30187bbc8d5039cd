"use strict";
(() => {
  const bar = document.querySelector(".bar");
  const buttons = [...document.querySelectorAll("button.rule")];
  if (!bar) return;
  const [text, error, warning, rule, showing, none] = ["text", "error", "warning", "rule", "showing", "none"]
    .map((id) => document.getElementById(id));
  const files = [...document.querySelectorAll(".file")].map((file) => ({
    file,
    findings: [...file.querySelectorAll(".finding")].map((node) => ({
      node,
      severity: node.dataset.severity,
      rule: node.dataset.rule,
      text: (file.querySelector("h3").textContent + " " + node.textContent).toLowerCase(),
    })),
  }));
  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const severities = { error: error.checked, warning: warning.checked };
    let shown = 0;
    for (const { file, findings } of files) {
      let here = 0;
      for (const finding of findings) {
        const match = severities[finding.severity] && (!rule.value || finding.rule === rule.value)
          && words.every((word) => finding.text.includes(word));
        finding.node.hidden = !match;
        here += match;
      }
      file.hidden = !here;
      shown += here;
    }
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.rule === rule.value);
    showing.textContent = shown.toLocaleString("en") + " shown";
    none.hidden = shown > 0;
  };
  bar.hidden = false;
  bar.addEventListener("input", filter);
  bar.addEventListener("submit", (event) => event.preventDefault());
  for (const button of buttons) {
    button.addEventListener("click", () => {
      rule.value = rule.value === button.dataset.rule ? "" : button.dataset.rule;
      filter();
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      text.focus();
    }
  });
  filter();
})();
