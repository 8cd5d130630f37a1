extension Study {
  /// Every training of the study: settings in the order of the grid, and for each all seeds.
  ///
  /// Computed at each call. A run's hash tells its content: study name, setting (of files what is in them, not where they
  /// are), record rules and seed. Its random key leaves the record rules out: recording more does not change the numbers.
  ///
  /// - Complexity: O(runs x keys), about 20 microseconds a run.
  public var runs: [Run] {
    let record = canonicalRecord
    var runs: [Run] = []
    runs.reserveCapacity(settings.count * seeds.count)
    for (index, setting) in settings.enumerated() {
      let canonicalSetting = setting.canonicalText
      for seed in seeds {
        let texts = Self.canonicalTexts(name: name, setting: canonicalSetting, record: record, seed: seed)
        var key = ContentHash()
        key.combine(texts.random.utf8)
        runs.append(
          Run(
            hash: contentHash(texts.run), settingIndex: index, setting: setting, seed: seed, randomKey: key.key))
      }
    }
    return runs
  }

  /// Identifies what the study computes: name, settings, seeds and record rules. Claim, figures and findings may change.
  public var hash: String {
    var hash = ContentHash()
    hash.combine("understudy study 1\nname \(jsonText(name))\nrecord \(canonicalRecord)\nseeds \(seeds)\n".utf8)
    for setting in settings { hash.combine("setting \(setting.canonicalText)\n".utf8) }
    return hash.text
  }

  /// The varied keys of a setting with their values, `teacher.strengthDecay = 2, student.overRealization = 5`; the study's
  /// name if nothing is varied.
  public func label(of setting: Setting) -> String {
    guard !variedKeys.isEmpty else { return name }
    return variedKeys.map { "\($0) = \(setting.value(of: $0)?.description ?? "none")" }.joined(separator: ", ")
  }

  /// What to record after `epoch` epochs of a run that has `lastEpoch` of them; epoch 0 is before the first step.
  public func measures(at epoch: Int, of lastEpoch: Int) -> Set<Measure> {
    record.filter { $0.moments.include(epoch, of: lastEpoch) }.reduce(into: []) { $0.formUnion($1.measures) }
  }

  private var canonicalRecord: String {
    let rules = record.map { rule in
      let measures = rule.measures.map { jsonText($0.rawValue) }.sorted().joined(separator: ",")
      return "{\"measures\":[\(measures)],\(rule.moments.canonicalText)}"
    }
    return "[\(rules.joined(separator: ","))]"
  }

  /// The texts that are hashed. The first line is the version of the form: it changes when the meaning of a key or the
  /// arithmetic of a run does, so that old results are never taken for new ones.
  static func canonicalTexts(name: String, setting: String, record: String, seed: Int) -> (run: String, random: String)
  {
    let random = "understudy run 1\nseed \(seed)\nname \(jsonText(name))\nsetting \(setting)\n"
    return (random + "record \(record)\n", random)
  }
}

extension RecordRule.Moments {
  public func include(_ epoch: Int, of lastEpoch: Int) -> Bool {
    switch self {
    case .every(let interval): epoch == lastEpoch || epoch.isMultiple(of: interval)
    case .epochs(let epochs): epochs.contains(epoch)
    case .last: epoch == lastEpoch
    }
  }

  var canonicalText: String {
    switch self {
    case .every(let interval): "\"every\":\(interval)"
    case .epochs(let epochs): "\"epochs\":[\(epochs.map(String.init).joined(separator: ","))]"
    case .last: "\"last\":true"
    }
  }
}

extension Setting {
  /// Every key with its value as JSON, sorted by key; of files the digest. Same setting, same text, on every machine.
  /// Keys that came later are left out where they have their default: what a run is has not changed.
  var canonicalText: String {
    json(of: Self.sortedKeys.filter { !$0.isLater || $0.read(self) != $0.defaultValue }) {
      $0.file(self).map { jsonText($0.digest) }
    }
  }

  /// Every key with its value as JSON, sorted by key; of files the path. Keys without a file are null.
  public var json: String { json(of: Self.sortedKeys) { $0.file(self).map { jsonText($0.path) } } }

  private func json(of keys: [StudyKey], file: (StudyKey) -> String?) -> String {
    let fields = keys.map { key in
      "\(jsonText(key.path)):\(key.form == .file ? file(key) ?? "null" : key.read(self)?.json ?? "null")"
    }
    return "{\(fields.joined(separator: ","))}"
  }

  private static let sortedKeys = StudyKey.all.sorted { $0.path < $1.path }
}
