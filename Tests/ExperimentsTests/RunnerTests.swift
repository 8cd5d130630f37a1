import Foundation
import Synchronization
import Testing
import UnderstudyFigures
import UnderstudyNetworks
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyExperiments
@testable import UnderstudyReconstruction

@Suite("Studies") struct RunnerTests {
  /// Runs a study in a folder of its own, hands over the folder's store and removes it.
  private func withResults(
    of study: Study, report: @escaping @Sendable (StudyProgress.Snapshot) -> Void = { _ in },
    body: (ResultsStore, StudyRunner.Summary) async throws -> Void
  ) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("understudy-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let store = try ResultsStore.openForWriting(folder, study: study)
    try await body(store, try await StudyRunner(study, into: store).run(report: report))
  }

  @Test("a diverged run is recorded and exported up to the epoch before")
  func divergence() async throws {
    let study = try tinyStudy("training.learningRate=[0.05, 100]", "training.epochs=50")
    try await withResults(of: study) { store, summary in
      #expect(summary.recordedCount == 2 && summary.divergedCount == 1 && !summary.wasInterrupted)
      let runs = try store.runs()
      #expect(runs[0].outcome == .completed)
      guard case .diverged(let epoch) = runs[1].outcome else {
        Issue.record("it ended with \(runs[1].outcome)")
        return
      }
      var table = ""
      try Exporter(store, Exporter.Choice(measures: [.evaluationLoss])).write(.csv) { table += $0 }
      let rows = table.split(separator: "\n").filter { $0.contains(",diverged,") }
      #expect(rows.count == epoch)
      #expect(rows.last?.contains(",\(epoch - 1),evaluationLoss,") == true)
    }
  }

  @Test("threads are shared out among the runs in flight, and none gets fewer than one")
  func threadShares() {
    let threads = ThreadShares(threadCount: 4)
    #expect(threads.threadsPerRun == 4)
    for expected in [4, 2, 1, 1, 1] {
      threads.willStartRun()
      #expect(threads.threadsPerRun == expected)
    }
    for _ in 0..<3 { threads.didEndRun() }
    #expect(threads.threadsPerRun == 2)
  }

  @Test("progress only grows, and ends at the whole")
  func progress() async throws {
    let snapshots = Mutex<[StudyProgress.Snapshot]>([])
    let study = try tinyStudy("seeds=30", "training.stepsPerEpoch=10000")
    let report: @Sendable (StudyProgress.Snapshot) -> Void = { snapshot in snapshots.withLock { $0.append(snapshot) } }
    try await withResults(of: study, report: report) { _, summary in
      let seen = snapshots.withLock { $0 }
      let last = try #require(seen.last)
      #expect(last.isLast && last.finishedCount == 30 && abs(last.share - 1) < 1e-9)
      #expect(seen.dropLast().allSatisfy { !$0.isLast })
      #expect(seen.allSatisfy { (0...1 + 1e-9).contains($0.share) && $0.runCount == 30 })
      // Threads report for themselves, so that of two close reports the later may be delivered first.
      let ordered = seen.sorted { $0.elapsedSeconds < $1.elapsedSeconds }
      for (a, b) in zip(ordered, ordered.dropFirst()) {
        #expect(a.share <= b.share + 1e-9 && a.finishedCount <= b.finishedCount)
      }
    }
  }

  @Test(
    "numbers for each pair of nodes are counted before anything is allocated",
    arguments: [
      ["training.method=flow"], ["record=[{measures: [expectedLoss], every: 1}]"],
      ["record=[{measures: [matchedPath], last: true}]"],
      ["criticalPoint.method=levenbergMarquardt"],
    ])
  func pairs(overrides: [String]) throws {
    // 3 x 30000 nodes: 2 numbers of 8 bytes for each pair are 1.3e11.
    let flow = overrides[0].hasSuffix("flow") ? ["training.batchSize=null"] : []
    let wide = try tinyStudy(overrides + flow + ["student.overRealization=30000"])
    let error = #expect(throws: ExperimentError.self) {
      try MemoryEstimate.check(wide, threadCount: 1, available: 1.2e11)
    }
    #expect(error?.description.contains("student.overRealization") == true)
    try MemoryEstimate.check(wide, threadCount: 1, available: 1e12)
  }

  @Test("a student of a teacher from a file is counted by that teacher")
  func studentOfFile() throws {
    let study = try tinyStudy("student.overRealization=1000")
    let setting = study.settings[0]
    #expect(MemoryEstimate(setting, file: [8, 3, 4]).bytes == MemoryEstimate(setting).bytes)
    #expect(throws: ExperimentError.self) {
      try MemoryEstimate.check(setting, learningFrom: [8, 1_000_000, 4], in: study, threadCount: 1, available: 1e11)
    }
  }

  @Test("progress counts what was there before, and what falls away with a divergence or a checkpoint")
  func accounts() throws {
    let setting = try tinyStudy().settings[0]
    let last = Mutex<StudyProgress.Snapshot?>(nil)
    let cost = StudyProgress.cost(of: setting)
    let progress = StudyProgress(runCount: 5, presentCount: 3, plannedCost: 2 * cost) { snapshot in
      last.withLock { $0 = snapshot }
    }
    progress.willResume(epochs: 4, of: setting)
    progress.didTakeSteps(5, epochs: 0.25, of: setting)
    progress.didTakeSteps(15, epochs: 0.75, of: setting)
    progress.didFinish(setting, outcome: .completed)
    progress.didTakeSteps(20, epochs: 1, of: setting)
    progress.didFinish(setting, outcome: .diverged(epoch: 1))
    #expect(progress.finish() == 2)
    let snapshot = try #require(last.withLock { $0 })
    #expect(snapshot.finishedCount == 5 && snapshot.divergedCount == 1)
    #expect(abs(snapshot.share - 1) < 1e-12)
    #expect(snapshot.isLast)
  }

  @Test(
    "what is missing is taken seed after seed, of each the longest first, of equals in the order of the grid; nothing else"
  )
  func queue() throws {
    let study = try tinyStudy("training.epochs=[3, 7, 5]", "training.learningRate=[0.1, 0.2]", "seeds=[4, 2, 9]")
    let recorded: [Int: Set<Int>] = [0: [2], 3: [4, 2, 9], 5: [9]]
    var queue = RunQueue(study, recorded: recorded)
    let missing = study.runs.filter { !(recorded[$0.settingIndex]?.contains($0.seed) ?? false) }
    #expect(queue.missingCount == missing.count && missing.count == 13)
    #expect(queue.cost == missing.reduce(0) { $0 + StudyProgress.cost(of: $1.setting) })
    var found: [Run] = []
    while let run = queue.next() { found.append(run) }
    let wanted = study.seeds.flatMap { seed in
      missing.filter { $0.seed == seed }.sorted {
        StudyProgress.cost(of: $0.setting) > StudyProgress.cost(of: $1.setting)
      }
    }
    #expect(found.map(\.hash) == wanted.map(\.hash))

    let selection = RunSelection(seeds: [9, 2], settings: try study.selection(["training.epochs=[3, 7]"]))
    var part = RunQueue(study, recorded: recorded, choosing: selection)
    let chosen = wanted.filter { $0.seed != 4 && $0.setting.training.epochs != 5 }
    #expect(part.missingCount == chosen.count && chosen.count == 5)
    #expect(part.cost == chosen.reduce(0) { $0 + StudyProgress.cost(of: $1.setting) })
    for run in chosen { #expect(part.next()?.hash == run.hash) }
    #expect(part.next() == nil)
  }

  @Test("of many settings those are built before anything runs that hold every value once")
  func checkedSettings() throws {
    let list = "[\((64...123).map { "\(Double($0) / 64)" }.joined(separator: ", "))]"
    let study = try tinyStudy(
      "student.overRealization=\(list)", "network.inputDimension=[4, 5, 6, 7, 8, 9]",
      "training.learningRate=[0.1, 0.2]",
      "teacher.bias=[0, 1, 2]")
    let checked = StudyRunner.checkedSettings(study.settings)
    #expect(study.settings.count == 2160 && checked.count < 70 && checked.first == 0)
    for key in ["student.overRealization", "network.inputDimension"] {
      #expect(Set(checked.map { study.settings[$0].value(of: key) }) == Set(study.settings.map { $0.value(of: key) }))
    }
    let few = try tinyStudy("network.inputDimension=[4, 5, 6, 7, 8, 9]", "training.learningRate=[0.1, 0.2]")
    #expect(StudyRunner.checkedSettings(few.settings) == [0, 2, 4, 6, 8, 10])
  }

  @Test(
    "batch normalisation that a key or a file gives is refused before anything runs where it cannot be",
    arguments: [
      ["training.method=gd"], ["training.method=[sgd, gd]"], ["training.batchSize=1"],
      ["criticalPoint.method=levenbergMarquardt"], ["record=[{measures: [constructedPath], last: true}]"],
    ], ["beforeActivation", "afterActivation"])
  func normalizationIsRefusedBefore(overrides: [String], placement: String) throws {
    let normalized = "student.normalization=\(placement)"
    #expect(throws: (any Error).self) {
      try StudyRunner.check(try tinyStudy([normalized] + overrides))
    }
    let student = try PreparedRun(try tinyStudy([normalized]).runs[0]).initialStudent
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).safetensors")
    try NetworkFile.encode(student.network).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    func study(_ overrides: [String]) throws -> Study {
      try Study.parse(
        """
        network: {inputDimension: 8, outputDimension: 4}
        teacher: {hiddenNodes: 3}
        student: {file: \(file.path)}
        inputs: {training: {count: 150}, evaluation: {count: 70}}
        training: {epochs: 5, stepsPerEpoch: 20, learningRate: 0.05}
        """, origin: "file.yaml", folder: URL(fileURLWithPath: "/nowhere"), baseName: "file", overrides: overrides)
    }
    try StudyRunner.check(try study([]))
    let error = #expect(throws: ExperimentError.self) { try StudyRunner.check(try study(overrides)) }
    #expect("\(try #require(error))".contains(file.lastPathComponent))
  }

  @Test("bundled studies load at every scale, the two-layer sweep with the paper's sizes")
  func bundled() throws {
    for name in BundledStudies.names {
      // CIFAR-10, which the full study of images is about, is not everywhere.
      let overrides = name == "images" ? ["inputs.images=fashion-mnist"] : []
      for scale in ["quick", "full"] {
        let study = try #require(
          try BundledStudies.load(name, scale: scale, overrides: overrides), "\(name) \(scale)")
        #expect(study.reportWarnings == [], "\(name) \(scale)")
      }
    }
    #expect(try BundledStudies.load("two-layer", scale: "full")?.runs.count == 2304)
    #expect(try BundledStudies.load("two-layer", scale: "quick")?.runs.count == 48)
    #expect(try BundledStudies.load("no-such-study") == nil)
    // Every study has one reproduction, whose folder its file is in.
    #expect(BundledStudies.reproductions.flatMap(\.studies).sorted() == BundledStudies.names)
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    for reproduction in BundledStudies.reproductions {
      for name in reproduction.studies {
        let path = root.appending(path: "Studies/\(reproduction.name)/\(name).yaml").path
        #expect(FileManager.default.fileExists(atPath: path), "\(path)")
      }
      #expect(Set(reproduction.studies).isSubset(of: Set(BundledStudies.names)))
    }
  }
}
