import Foundation
import UnderstudyNetworks
import UnderstudyRecords
import UnderstudySchema

/// Stored runs that are gone through once more, to be measured by steps: the study of it, and the stored students from which it can
/// begin.
public struct ZoomedRuns: Sendable {
  /// Steps over all epochs.
  public struct Window: Sendable {
    /// nil: of a run that diverged, the beginning of the epoch in which it did.
    public var from: Int?
    /// nil: of a run that diverged the step at which it did, of others the end of the epoch that `from` is in.
    public var to: Int?
    /// nil: as many as make at most 100 measurements.
    public var every: Int?

    public init(from: Int? = nil, to: Int? = nil, every: Int? = nil) {
      (self.from, self.to, self.every) = (from, to, every)
    }
  }

  /// Its settings are those of the runs with a zoom, so that it can be run, drawn and exported as any study.
  public let study: Study
  public let zoom: ZoomSetting
  /// Runs that begin at a stored student, and at which epoch the first of them does.
  public var beginningCount: Int { starts.count }
  public let runCount: Int
  public var firstEpoch: Int? { starts.map(\.epoch).min() }
  private let starts: [Checkpoint]
  private let artifactNames: [String]

  /// The zoom into chosen runs of a results folder, and the students that they go on from.
  ///
  /// - Parameters:
  ///   - isChosen: which runs; every setting among them must have every seed among them.
  ///   - measures: what is measured; empty: all that the study records of epochs.
  /// - Throws: ``ExperimentError`` if none is chosen, if the steps are not those of the runs, or if the folder cannot be read.
  public init(
    of store: ResultsStore, where isChosen: (Run) -> Bool, _ window: Window, measures: [Measure]
  ) throws(ExperimentError) {
    let source = store.study
    let runs = source.runs.filter(isChosen)
    guard !runs.isEmpty else {
      throw .input("\(store.folder.path): no run is chosen; `understudy status --runs` lists them")
    }
    guard source.randomNumbers == .bySeed else {
      throw .input(
        "\(store.folder.path): its random numbers follow from study and setting, as in version 0.1, so a zoom would draw others; "
          + "run the study in a new folder, and zoom into that")
    }
    let places = Set(runs.map(\.settingIndex)).sorted()
    let seeds = source.seeds.filter { seed in runs.contains { $0.seed == seed } }
    guard runs.count == places.count * seeds.count else {
      throw .input(
        "\(runs.count) runs are chosen, of \(places.count) settings and \(seeds.count) seeds, but not every setting with every "
          + "seed; choose by --where and --seed, or one run at a time")
    }
    let recorded = try ExperimentError.storing { () throws(StoreError) in try store.runs() }
    let records = Dictionary(recorded.map { ($0.run.hash, $0) }, uniquingKeysWith: { first, _ in first })
    let zoom = try Self.zoom(into: runs, records, window)
    self.zoom = zoom
    let study = try Self.study(of: Self.withFiles(of: store), places: places, seeds: seeds, zoom, measures: measures)

    var starts: [Checkpoint] = []
    for (run, zoomed) in zip(runs, study.runs) {
      let stepsPerEpoch = try Self.stepsPerEpoch(of: run)
      let found = try ExperimentError.storing { () throws(StoreError) in try store.standing(of: run, records[run.hash])
      }
      guard var start = found else { continue }
      let unfinished = try ExperimentError.reading { () throws(FileError) in
        try TrainingState.unfinishedSteps(in: start.student, name: "the stored student of run \(run.hash)")
      }
      guard start.epoch * stepsPerEpoch + unfinished <= zoom.from else { continue }
      start.runHash = zoomed.hash
      starts.append(start)
    }
    artifactNames = Set(runs.flatMap(ForgottenRuns.artifactNames)).filter { store.artifactSize($0) != nil }.sorted()
    (self.study, self.starts, runCount) = (study, starts, runs.count)
  }

  /// Puts what the runs begin with into the folder of the zoom: students, and over images their teachers.
  ///
  /// - Parameters:
  ///   - source: the folder of the whole runs.
  ///   - store: that of the zoom; what it has already stays.
  /// - Throws: ``ExperimentError`` of folders that cannot be read or written.
  public func begin(from source: ResultsStore, in store: ResultsStore) throws(ExperimentError) {
    try ExperimentError.storing { () throws(StoreError) in
      for name in artifactNames where store.artifactSize(name) == nil {
        guard let data = source.artifact(name) else { continue }
        try store.keepArtifact(data, as: name)
      }
      let finished = try store.finishedHashes()
      let runs = Dictionary(study.runs.map { ($0.hash, $0) }, uniquingKeysWith: { first, _ in first })
      for start in starts where !finished.contains(start.runHash) {
        guard let run = runs[start.runHash], try store.checkpoint(of: run) == nil else { continue }
        try store.saveCheckpoint(start)
      }
    }
  }

  /// The study, with the folder's copies of files that are gone or not what they were.
  private static func withFiles(of store: ResultsStore) -> Study {
    var study = store.study
    let changed = Set(store.changedSources().map(\.file))
    guard !changed.isEmpty else { return study }
    for key in StudyKey.all {
      for index in study.settings.indices {
        guard var file = key.file(study.settings[index]), changed.contains(file), let copy = file.copy else { continue }
        file.path = copy
        key.write(&study.settings[index], .text(file.path), file)
      }
    }
    return study
  }

  private static func stepsPerEpoch(of run: Run) throws(ExperimentError) -> Int {
    let steps = run.setting.training.stepsPerEpoch
    // A file of batches may say it.
    return steps > 0 ? steps : try PreparedRun(run).plan.stepsPerEpoch
  }

  /// The steps that are looked at in all of the runs.
  private static func zoom(
    into runs: [Run], _ records: [String: RunRecord], _ window: Window
  ) throws(ExperimentError) -> ZoomSetting {
    var (froms, tos): ([Int], [Int]) = ([], [])
    for run in runs {
      let stepsPerEpoch = max(1, try stepsPerEpoch(of: run))
      let divergence = records[run.hash]?.divergence?.step
      let (epochCount, hash) = (run.setting.training.epochs, run.hash.prefix(8))
      guard let from = window.from ?? divergence.map({ ($0 - 1) / stepsPerEpoch * stepsPerEpoch }) else {
        throw .input(
          "run \(hash) has not diverged at a step; say from which step on to look, e.g. --from \(stepsPerEpoch)")
      }
      let stepCount = epochCount * stepsPerEpoch
      guard from < stepCount else {
        throw .input("run \(hash) has \(stepCount) steps; give a smaller --from than \(from)")
      }
      if let to = window.to, to > stepCount {
        throw .input("run \(hash) has \(stepCount) steps; give at most that as --to, or train it for more epochs first")
      }
      let end = (from / stepsPerEpoch + 1) * stepsPerEpoch
      froms.append(from)
      tos.append(window.to ?? divergence.flatMap { $0 > from ? $0 : nil } ?? end)
    }
    let (from, to) = (froms.min() ?? 0, tos.max() ?? 0)
    guard from < to else { throw .input("steps \(from) to \(to): give a later --to") }
    let steps = [1, 2, 5, 10, 20, 50].first { (to - from) / $0 <= 100 } ?? (to - from + 99) / 100
    return ZoomSetting(from: from, to: to, every: window.every ?? steps)
  }

  private static func study(
    of source: Study, places: [Int], seeds: [Int], _ zoom: ZoomSetting, measures: [Measure]
  ) throws(ExperimentError) -> Study {
    let given = Set(measures.isEmpty ? source.record.flatMap(\.measures) : measures)
    let wanted = given.subtracting(Measure.paths).subtracting([.criticalPoint])
    guard !wanted.isEmpty else {
      throw .input(
        measures.isEmpty
          ? "what the study records comes after the last epoch, which a zoom does not reach; give --measure"
          : "\(measures[0].rawValue) is measured after the last epoch, which a zoom does not reach; give another --measure"
      )
    }
    var study = source
    study.name = "\(source.name)-zoom"
    study.claim = "The study \(source.name) by steps: \(zoom.from) to \(zoom.to), every \(zoom.every)."
    study.settings = places.map { place in
      var setting = source.settings[place]
      (setting.zoom, setting.criticalPoint) = (zoom, Setting().criticalPoint)
      return setting
    }
    let settings = study.settings
    study.variedKeys = source.variedKeys.filter { key in
      Set(settings.map { $0.value(of: key) }).count > 1
    }
    study.zippedKeys = source.zippedKeys.map { $0.filter(study.variedKeys.contains) }.filter { $0.count > 1 }
    guard Set(settings.map(\.canonicalText)).count == settings.count else {
      throw .input(
        "the chosen settings differ in the search for a critical point only, which comes after a zoom; choose one of them"
      )
    }
    (study.seeds, study.findings) = (seeds, [])
    do { _ = try study.yaml() } catch  where error.kind == .notAGrid {
      throw .input(
        "the chosen settings are not all combinations of some values; choose them by --where, or one run at a time")
    } catch {
      throw .input(error.description)
    }
    study.record = [RecordRule(measures: Measure.allCases.filter(wanted.contains), moments: .every(1))]
    study.figures = Measure.allCases.filter(wanted.contains).compactMap(plot)
    try checkAsFile(study)
    return study
  }

  /// Refuses what the reader of study files would refuse, because a zoom is a study like any other, and its study.yaml can be run:
  /// measures that are not those of the networks, and a training without steps.
  private static func checkAsFile(_ study: Study) throws(ExperimentError) {
    do throws(StudyError) {
      let text = try study.yaml()
      _ = try Study.parse(text, origin: study.name, folder: URL(fileURLWithPath: "/"), baseName: study.name)
    } catch {
      var error = error
      // Lines are those of a text that nobody has written.
      error.line = nil
      throw .input(error.description)
    }
  }

  /// What a measure is drawn as, over the steps; nil of arrays that no one number stands for.
  private static func plot(of measure: Measure) -> FigureDeclaration? {
    var plot = PlotDeclaration(.measure(measure))
    plot.x = .epoch
    switch measure {
    case .trainingCorrelation, .evaluationCorrelation: plot.reductions = [.largest, .mean]
    case .layerCorrelations: (plot.reductions, plot.color) = ([.mean], .layer)
    default:
      guard measure.isScalar else { return nil }
      if measure.isLoss { plot.scale = .logarithmic }
    }
    return FigureDeclaration(name: measure.rawValue, kind: .plot, plot: plot)
  }
}
