extension Study {
  /// Every training of the study: settings in the order of the grid, and for each all seeds.
  public var runs: StudyRuns { StudyRuns(self) }

  /// Identifies what the study computes: name, settings, seeds and record rules. Claim, figures and findings may change.
  public var hash: String {
    var hash = ContentHash()
    hash.combine(
      "understudy study \(randomNumbers.version)\nname \(jsonText(name))\nrecord \(canonicalRecord)\nseeds \(seeds)\n"
        .utf8)
    for setting in settings { hash.combine("setting \(setting.canonicalText)\n".utf8) }
    return hash.text
  }

  /// The study with the random numbers of another: of what a results folder holds.
  package func drawing(as other: Study) -> Study {
    var study = self
    study.randomNumbers = other.randomNumbers
    return study
  }

  /// The varied keys of a setting with their values, `teacher.strengthDecay = 2, student.overRealization = 5`; the study's
  /// name if nothing is varied.
  public func label(of setting: Setting) -> String {
    guard !variedKeys.isEmpty else { return name }
    return variedKeys.map { "\($0) = \(setting.value(of: $0)?.description ?? "none")" }.joined(separator: ", ")
  }

  /// The same of a run: its setting and its seed.
  package func label(of setting: Setting, seed: Int) -> String { "\(label(of: setting)), seed \(seed)" }

  /// What to record after `epoch` epochs of a run that has `lastEpoch` of them; epoch 0 is before the first step.
  public func measures(at epoch: Int, of lastEpoch: Int) -> Set<Measure> {
    record.filter { $0.moments.include(epoch, of: lastEpoch) }.reduce(into: []) { $0.formUnion($1.measures) }
  }

  /// The record rules, in one form for equal rules.
  package var canonicalRecord: String {
    let rules = record.map { rule in
      let names = rule.measures.map { randomNumbers == .bySetting ? $0.formerName ?? $0.rawValue : $0.rawValue }
      let measures = names.map(jsonText).sorted().joined(separator: ",")
      return "{\"measures\":[\(measures)],\(rule.moments.canonicalText)}"
    }
    return "[\(rules.joined(separator: ","))]"
  }
}

/// The runs of a study, each made when it is asked for: their number is arithmetic, and no list of them is kept.
///
/// A run's hash tells its content: setting (of files what is in them, not where they are), record rules and seed. Its random
/// numbers follow from the seed alone (see ``RandomNumbers``): recording more does not change them.
///
/// - Complexity: O(keys) an element, about 20 microseconds in a walk, where the seeds of a setting share its text.
public struct StudyRuns: RandomAccessCollection, Sendable {
  private let settings: [Setting]
  private let seeds: [Int]
  private let naming: RunNaming

  init(_ study: Study) {
    (settings, seeds, naming) = (study.settings, study.seeds, RunNaming(study))
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { settings.count * seeds.count }

  public subscript(position: Int) -> Run {
    let setting = position / seeds.count
    return naming.run(settings[setting], index: setting, seed: seeds[position % seeds.count])
  }

  public func makeIterator() -> Iterator { Iterator(runs: self) }

  public struct Iterator: IteratorProtocol {
    fileprivate let runs: StudyRuns
    private var position = 0
    private var text = ""

    fileprivate init(runs: StudyRuns) { self.runs = runs }

    public mutating func next() -> Run? {
      guard position < runs.endIndex else { return nil }
      let (index, seed) = position.quotientAndRemainder(dividingBy: runs.seeds.count)
      if seed == 0 { text = runs.settings[index].canonicalText }
      position += 1
      return runs.naming.run(runs.settings[index], text: text, index: index, seed: runs.seeds[seed])
    }
  }
}

/// Makes the runs of a study: their hashes and random keys.
package struct RunNaming: Sendable {
  private let randomNumbers: RandomNumbers
  private let name: String
  private let record: String

  package init(_ study: Study) {
    (randomNumbers, name, record) = (study.randomNumbers, jsonText(study.name), study.canonicalRecord)
  }

  /// The first line of what is hashed is the version of the form: it changes when the meaning of a key or the arithmetic of a
  /// run does, so that old results are never taken for new ones.
  ///
  /// - Parameter text: the setting's ``Setting/canonicalText``, where it is known already.
  package func run(_ setting: Setting, text: String? = nil, index: Int, seed: Int) -> Run {
    var hash = ContentHash()
    let nameLine = randomNumbers == .bySetting ? "name \(name)\n" : ""
    hash.combine(
      "understudy run \(randomNumbers.version)\nseed \(seed)\n\(nameLine)setting \(text ?? setting.canonicalText)\n"
        .utf8)
    let keys = randomNumbers.keys(seed: seed, setting: hash)
    hash.combine("record \(record)\n".utf8)
    return Run(
      hash: hash.text, settingIndex: index, setting: setting, seed: seed, randomKey: keys.run, replicaKey: keys.replica)
  }
}

extension RecordRule.Moments {
  /// Whether it is time to record after `epoch` epochs of a run that has `lastEpoch` of them.
  public func include(_ epoch: Int, of lastEpoch: Int) -> Bool {
    switch self {
    case .every(let interval): epoch == lastEpoch || epoch.isMultiple(of: interval)
    case .epochs(let epochs): epochs.contains(epoch)
    case .last: epoch == lastEpoch
    }
  }

  package var canonicalText: String {
    switch self {
    case .every(let interval): "\"every\":\(interval)"
    case .epochs(let epochs): "\"epochs\":[\(epochs.map(String.init).joined(separator: ","))]"
    case .last: "\"last\":true"
    }
  }
}

extension Setting {
  /// Every key with its value as JSON, sorted by key; of files the digest. Same setting, same text, on every machine.
  /// Keys that came later are left out where they have their default: what a run is has not changed. So do keys under their former names.
  package var canonicalText: String { canonicalText { _ in true } }

  /// The same of the keys of some groups, `teacher` or `inputs`.
  package func canonicalText(of groups: [String]) -> String {
    canonicalText { key in groups.contains { key.path.hasPrefix($0 + ".") } }
  }

  private func canonicalText(where isWanted: (StudyKey) -> Bool) -> String {
    let keys = Self.storedKeys.filter { isWanted($0) && (!$0.isLater || $0.read(self) != $0.defaultValue) }
    return json(of: keys, name: \.storedPath) { $0.file(self).map { jsonText($0.digest) } }
  }

  /// Every key with its value as JSON, sorted by key; of files the path. Keys without a file are null.
  public var json: String {
    json(of: Self.sortedKeys, name: \.path) { $0.file(self).map { jsonText($0.path) } }
  }

  private func json(of keys: [StudyKey], name: (StudyKey) -> String, file: (StudyKey) -> String?) -> String {
    let fields = keys.map { key in
      "\(jsonText(name(key))):\(key.form.isFile ? file(key) ?? "null" : key.read(self)?.json ?? "null")"
    }
    return "{\(fields.joined(separator: ","))}"
  }

  private static let sortedKeys = StudyKey.all.sorted { $0.path < $1.path }
  private static let storedKeys = StudyKey.all.sorted { $0.storedPath < $1.storedPath }
}
