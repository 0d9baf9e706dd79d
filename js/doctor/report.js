'use strict';
// Owns what a report consists of: sections, each with facts (a name, a value, where the value is from) and findings.
// It refuses to print: text.js does, and `--json` prints this as it is.

const { withoutUrls } = require('./secrets.js');

const OF_CHANGES = new Set(['before', 'after']);

class Section {
  facts = [];
  findings = [];

  constructor(id, title) {
    this.id = id;
    this.title = title;
  }

  /** `source` is where the value is from: `default`, a variable, an option of the command; null for what is not chosen. */
  fact(name, value, source = null) {
    this.facts.push({ name, value, source });
  }

  /** What becomes of something, null where it is not there: texts of the user's own, which are shown as they are. */
  change(name, before, after) {
    this.facts.push({ name, value: { before, after }, source: null });
  }

  /** `code` is for programs; `remedy`, if there is one, is what helps. */
  find(level, code, text, remedy = null) {
    this.findings.push({ level, code, text, remedy });
  }

  note(...finding) {
    this.find('note', ...finding);
  }

  warn(...finding) {
    this.find('warning', ...finding);
  }

  problem(...finding) {
    this.find('problem', ...finding);
  }
}

class Report {
  #sections = [];

  section(id, title) {
    const section = new Section(id, title);
    this.#sections.push(section);
    return section;
  }

  /** The whole report as plain data. */
  finish({ version }) {
    const sections = this.#sections.map(({ id, title, facts, findings }) => ({ id, title, facts, findings }));
    const findings = sections.flatMap((section) => section.findings);
    const count = (wanted) => findings.filter(({ level }) => level === wanted).length;
    const problems = count('problem');
    const clean = (name, value) => (typeof value === 'string' && !OF_CHANGES.has(name) ? withoutUrls(value) : value);
    const told = { offloop: version, healthy: problems === 0, problems, warnings: count('warning'), sections };
    return JSON.parse(JSON.stringify(told, clean));
  }
}

module.exports = { Report };
