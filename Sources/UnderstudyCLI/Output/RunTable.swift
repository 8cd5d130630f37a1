import Understudy

/// Runs, a line each, for a terminal.
func runTable(_ states: [RunState], of study: Study) -> String {
  let columns = study.variedKeys
  let rows = states.map { state in
    [String(state.run.hash.prefix(8))] + keyCells(state.run.setting, columns) + [
      "\(state.run.seed)", state.kind.rawValue,
      state.epoch.map { "\($0) of \(state.run.setting.lastEpoch)" } ?? "", state.loss.map(short) ?? "", why(state),
    ]
  }
  let head = ["run"] + columns + ["seed", "state", study.timeUnit, "loss", ""]
  return TextTable(head, leftColumns: [0, columns.count + 5], rows).text
}

/// How many runs of each setting are there, a line each.
func settingTable(_ tallies: [Int: SettingTally], of study: Study) -> String {
  let columns = study.variedKeys
  let rows = study.settings.enumerated().map { index, setting in
    let done = tallies[index]
    // Of a single setting the study's name.
    return (columns.isEmpty ? [study.name] : keyCells(setting, columns)) + [
      "\(done?.recordedCount ?? 0) of \(study.seeds.count)", "\(done?.divergedCount ?? 0)",
      done.map { format($0.wallSeconds / Double(max(1, $0.recordedCount)), digits: 2) } ?? "",
    ]
  }
  let head = (columns.isEmpty ? ["setting"] : columns) + ["seeds done", "diverged", "s/run"]
  return TextTable(head, leftColumns: [], rows).text
}

private func keyCells(_ setting: Setting, _ keys: [String]) -> [String] {
  keys.map { setting.value(of: $0)?.description ?? "-" }
}

/// Why a run has not completed.
private func why(_ state: RunState) -> String {
  if let failure = state.failure { return failure }
  guard let divergence = state.divergence else { return "" }
  let step = divergence.step.map { "step \($0): " } ?? ""
  let losses = divergence.lastSteps.suffix(3).map { short($0.loss) }.joined(separator: ", ")
  return step + divergence.reason + (losses.isEmpty ? "" : "; losses before it \(losses)")
}

/// A run as `--json` has it.
struct ListedRun: Encodable {
  var run: String
  /// The keys that vary.
  var setting: [String: KeyValue.Plain]
  var seed: Int
  var state: String
  var epoch: Int?
  var lastEpoch: Int
  var loss: Double?
  var reason: String?
  var step: Int?
  var lastSteps: [Divergence.Step]?

  init(_ state: RunState, of study: Study) {
    run = state.run.hash
    let values = study.variedKeys.compactMap { key in state.run.setting.value(of: key).map { (key, KeyValue.Plain($0)) }
    }
    setting = Dictionary(uniqueKeysWithValues: values)
    (seed, self.state) = (state.run.seed, state.kind.rawValue)
    (epoch, lastEpoch, loss) = (state.epoch, state.run.setting.lastEpoch, state.loss)
    reason = state.failure ?? state.divergence?.reason
    (step, lastSteps) = (state.divergence?.step, state.divergence?.lastSteps)
  }
}
