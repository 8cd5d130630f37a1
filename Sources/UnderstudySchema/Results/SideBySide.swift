/// Results of several studies side by side as those of one, in which ``Study/originKey`` tells them apart.
extension StudyResults {
  /// Why studies cannot stand side by side.
  public enum SideBySideError: Error, Hashable, Sendable {
    case noCommonSeed
    /// Runs of one seed have other teachers, as version 0.1 had it.
    case otherRandomNumbers
  }

  /// The results of several studies as those of one, with the key `study`, so that figures and statistics compare them.
  ///
  /// - Parameter studies: at least one, with different names; of one its results as they are.
  /// - Returns: the runs of the seeds that all have. A key that has one value in each study and not the same in all goes with
  ///   the studies' names, as zipped keys do.
  /// - Throws: ``SideBySideError``.
  public init(sideBySide studies: [(name: String, results: StudyResults)]) throws(SideBySideError) {
    precondition(!studies.isEmpty, "at least one study")
    self = studies[0].results
    guard studies.count > 1 else { return }
    let common = studies.dropFirst().reduce(Set(study.seeds)) { $0.intersection($1.results.study.seeds) }
    guard !common.isEmpty else { throw .noCommonSeed }
    guard studies.allSatisfy({ $0.results.study.randomNumbers == .bySeed }) else { throw .otherRandomNumbers }
    var merged = Study(
      name: studies.map(\.name).joined(separator: " and "), settings: studies.flatMap(\.results.study.settings),
      seeds: study.seeds.filter(common.contains))
    for finding in studies.flatMap({ $0.results.study.findings }) where !merged.findings.contains(finding) {
      merged.findings.append(finding)
    }
    merged.origins = studies.flatMap { name, results in Array(repeating: name, count: results.study.settings.count) }
    var runs: [RunRecord] = []
    var offset = 0
    for (_, results) in studies {
      for var record in results.runs where common.contains(record.run.seed) {
        record.run = record.run.moved(to: record.run.settingIndex + offset)
        runs.append(record)
      }
      offset += results.study.settings.count
    }
    let grids = studies.map(\.results.study.settings)
    var (going, varied): ([String], [String]) = ([], [])
    for key in StudyKey.all.map(\.path) {
      let values = grids.map { Set($0.map { $0.value(of: key) }) }
      guard values.reduce(Set(), { $0.union($1) }).count > 1 else { continue }
      if values.allSatisfy({ $0.count == 1 }) { going.append(key) } else { varied.append(key) }
    }
    merged.variedKeys = [Study.originKey] + going + varied
    merged.zippedKeys = going.isEmpty ? [] : [[Study.originKey] + going]
    let groups = studies.flatMap { $0.results.study.zippedKeys.map { $0.filter(varied.contains) } }
    for group in groups where group.count > 1 && !merged.zippedKeys.contains(group) {
      merged.zippedKeys.append(group)
    }
    self.init(study: merged, runs: runs)
  }
}

extension Run {
  fileprivate func moved(to index: Int) -> Run {
    Run(
      hash: hash, settingIndex: index, setting: setting, seed: seed, randomKey: randomKey, replicaKey: replicaKey)
  }
}

extension Study {
  /// What tells the settings of several studies side by side apart, beside the keys.
  public static let originKey = "study"

  /// The value of a key in a setting of the grid, or the name of the study that it is from.
  public func value(of key: String, at index: Int) -> KeyValue? {
    if key == Self.originKey { return origins.isEmpty ? nil : .text(origins[index]) }
    return settings[index].value(of: key)
  }

  /// Whether a setting of the grid has one of the values of each key.
  public func matches(_ selection: [String: [KeyValue]], at index: Int) -> Bool {
    var others = selection
    let names = others.removeValue(forKey: Self.originKey)
    let isOfThem = names.map { names in
      value(of: Self.originKey, at: index).map { own in names.contains { $0.isSame(as: own) } } ?? false
    }
    return (isOfThem ?? true) && settings[index].matches(others)
  }
}
