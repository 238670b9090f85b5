//! Compares what was measured last with `baseline.json`; `scripts/bench` runs it.
//!
//! Fails when an instruction count grew by more than a tenth, or is no longer taken. Times are shown
//! and never fail: they depend on the machine, and on what else it does. `--save` makes what was
//! measured the baseline.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// By bench, such as `limit/one_key`.
type Figures = BTreeMap<String, f64>;

struct Kind {
    name: &'static str,
    was: Figures,
    is: Figures,
}

impl Kind {
    fn new(name: &'static str, baseline: &Value, is: Figures) -> Self {
        let was = baseline[name].as_object().into_iter().flatten();
        let was = was.filter_map(|(bench, it)| Some((bench.clone(), it.as_f64()?))).collect();
        Self { name, was, is }
    }

    fn ratio(&self, bench: &str) -> Option<f64> {
        Some(self.is.get(bench)? / self.was.get(bench)?)
    }

    fn cells(&self, bench: &str) -> String {
        let cell = |figures: &Figures| figures.get(bench).map_or("-".to_owned(), |it| short(*it));
        let ratio = self.ratio(bench).map_or("-".to_owned(), |it| format!("{it:.2}"));
        format!("{:>14} {:>10} {ratio:>6}", cell(&self.is), cell(&self.was))
    }

    /// What was not measured this time stays as it was.
    fn kept(&self) -> Value {
        json!(if self.is.is_empty() { &self.was } else { &self.is })
    }
}

fn main() -> Result<ExitCode> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/baseline.json");
    let baseline = match fs::read(&file) {
        Ok(text) => serde_json::from_slice(&text)?,
        Err(_) => Value::Null,
    };
    // This program is `target/release/deps/compare-…`.
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or("this is not run by cargo")?;
    let counts = Kind::new("instructions", &baseline, instructions(target)?);
    let times = Kind::new("nanoseconds", &baseline, nanoseconds(target)?);

    let kinds = [&counts, &times];
    let header = kinds.map(|it| format!("{:>14} {:>10} {:>6}", it.name, "baseline", "ratio"));
    println!("{:<24}{}", "", header.concat());
    let benches: BTreeSet<_> =
        kinds.iter().flat_map(|it| it.is.keys().chain(it.was.keys())).collect();
    for bench in benches {
        println!("{bench:<24}{}", kinds.map(|it| it.cells(bench)).concat());
    }
    if std::env::args().any(|it| it == "--save") {
        let text = json!({ counts.name: counts.kept(), times.name: times.kept() });
        fs::write(&file, format!("{text:#}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let is_bad = |bench: &&String| counts.ratio(bench).is_none_or(|it| it > MOST);
    let bad: Vec<_> = counts.was.keys().filter(is_bad).collect();
    if bad.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("more instructions than 1.1 times the baseline, or none taken: {bad:?}");
    Ok(ExitCode::FAILURE)
}

const MOST: f64 = 1.1;

/// What gungraun counted.
fn instructions(target: &Path) -> Result<Figures> {
    let mut figures = Figures::new();
    for path in named("summary.json", &target.join("gungraun"))? {
        let summary: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let bench =
            [&summary["function_name"], &summary["id"]].map(|it| it.as_str().unwrap_or("?"));
        let count = summary.pointer("/profiles/0/data/parts/0/metrics/Ir/values/new");
        let count = count.and_then(Value::as_f64).ok_or("the summaries have another shape")?;
        figures.insert(bench.join("/"), count);
    }
    Ok(figures)
}

/// The medians that criterion measured.
fn nanoseconds(target: &Path) -> Result<Figures> {
    let mut figures = Figures::new();
    for path in named("benchmark.json", &target.join("criterion"))? {
        let bench: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let estimates = fs::read(path.with_file_name("estimates.json"))?;
        let estimates: Value = serde_json::from_slice(&estimates)?;
        let bench = bench["full_id"].as_str().ok_or("a bench without a name")?;
        let median = estimates["median"]["point_estimate"].as_f64().ok_or("no median")?;
        figures.insert(bench.to_owned(), (median * 10.0).round() / 10.0);
    }
    Ok(figures)
}

/// The files of that name below `folder`, if there is one. Not what criterion keeps of the time
/// before.
fn named(name: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("base") {
            found.extend(named(name, &path)?);
        } else if path.ends_with(name) {
            found.push(path);
        }
    }
    Ok(found)
}

fn short(figure: f64) -> String {
    if figure.fract() == 0.0 { format!("{figure:.0}") } else { format!("{figure:.1}") }
}
