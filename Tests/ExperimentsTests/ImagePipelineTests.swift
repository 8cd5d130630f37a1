import Foundation
import Synchronization
import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyExperiments
@testable import UnderstudyReconstruction

/// Studies over images: teacher, oracle and students of a tiny set.
@Suite("Studies over images") struct ImagePipelineTests {
  /// Three classes of 6 x 6 images, each with a bar at a place of its own, and noise.
  private static func writeSet(in folder: URL) throws {
    func idx(_ shape: [Int], _ content: [UInt8]) -> Data {
      var bytes: [UInt8] = [0, 0, 8, UInt8(shape.count)]
      for count in shape { bytes += (0..<4).reversed().map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } }
      return Data(bytes + content)
    }
    for (name, count, index) in [("train", 96, 0), ("t10k", 48, 1)] {
      var stream = RandomStream(key: 5, purpose: .test, index: index)
      let noise = stream.integers(count * 36, below: 90)
      let labels = (0..<count).map { UInt8($0 % 3) }
      let pixels = (0..<count * 36).map { place -> UInt8 in
        let (row, label) = (place % 36 / 6, Int(labels[place / 36]))
        return UInt8(noise[place]) + (row == 2 * label ? 150 : 0)
      }
      try idx([count, 6, 6], pixels).write(to: folder.appending(path: "\(name)-images-idx3-ubyte"))
      try idx([count], labels).write(to: folder.appending(path: "\(name)-labels-idx1-ubyte"))
    }
  }

  func study(_ folder: URL, _ more: [String] = []) throws -> Study {
    try Study.parse(
      """
      teacher:
        layers: "conv 6, conv 4 max 2"
        normalization: afterActivation
        training: {epochs: 4, learningRate: 0.05, batchSize: 16}
      oracle: {prunedShares: "0.5-0.25", training: {epochs: 2, learningRate: 0.02, batchSize: 16}}
      student: {overRealization: [1, 2], initialization: uniform, normalization: afterActivation}
      inputs: {images: \(folder.path), cropPadding: 1, flips: true, training: {count: 96}, evaluation: {count: 48}}
      training: {loss: [squaredError, labels], batchSize: 16, learningRate: 0.01, momentum: 0.9, epochs: 3, stepsPerEpoch: 6}
      record:
        - measures: [trainingLoss, evaluationLoss, evaluationAccuracy, evaluationAgreement, layerWidths, layerCorrelations,
            layerMatches, layerStudentCorrelations, layerDeadNodes, layerStrengths,
            layerTeacherStrengths]
          every: 1
        - {measures: [teacherAccuracies], epochs: [0]}
      """, origin: "images.yaml", folder: folder, baseName: "images", overrides: more)
  }

  func withFolders(_ body: (_ set: URL, _ results: URL) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("understudy-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let set = folder.appending(path: "set")
    try FileManager.default.createDirectory(at: set, withIntermediateDirectories: true)
    try Self.writeSet(in: set)
    try await body(set, folder.appending(path: "results"))
  }

  func run(
    _ study: Study, into folder: URL, stoppingAfter stepLimit: Int? = nil
  ) async throws -> StudyRunner.Summary {
    let store = try await opened(folder, study)
    var options = StudyRunner.Options()
    (options.threadCount, options.checkpointInterval) = (1, .zero)
    let runner = StudyRunner(study, into: store, options: options)
    // Progress is told after every epoch of a student, and before every one of a teacher.
    let count = Mutex(0)
    let stop = runner.stop
    return try await runner.run { _ in
      let reached = count.withLock { count in
        count += 1
        return count
      }
      if let stepLimit, reached >= stepLimit { stop.request() }
    }
  }

  /// A thread that ended a run may hold the folder for a moment.
  private func opened(_ folder: URL, _ study: Study) async throws -> ResultsStore {
    for _ in 0..<100 {
      do { return try ResultsStore.openForWriting(folder, study: study) } catch StoreError.locked {
        try await Task.sleep(for: .milliseconds(10))
      }
    }
    return try ResultsStore.openForWriting(folder, study: study)
  }

  private func values(_ folder: URL, _ study: Study) throws -> [[MeasuredValue]] {
    try ResultsStore.openForReading(folder).results(measures: Set(Measure.allCases)).runs.map(\.measurements)
  }

  @Test("a study has a trained teacher, an oracle that is really smaller, and students of both kinds")
  func pipeline() async throws {
    try await withFolders { set, results in
      let study = try study(set)
      try StudyRunner.check(study)
      let summary = try await run(study, into: results)
      #expect(summary.recordedCount == 4 && summary.failures.isEmpty && summary.divergedCount == 0)
      let names = try FileManager.default.contentsOfDirectory(atPath: results.appending(path: "artifacts").path)
      #expect(names.count == 4, "\(names)")
      let notes = try names.filter { $0.hasSuffix(".json") }.map {
        try JSONDecoder().decode(ArtifactNote.self, from: Data(contentsOf: results.appending(path: "artifacts/\($0)")))
      }
      #expect(Set(notes.map(\.what)) == ["teacher", "oracle"])
      for note in notes {
        // Bars at three places are learnt.
        #expect(note.accuracy > 0.9, "\(note.what): \(note.accuracies)")
        #expect(note.losses.count == (note.what == "teacher" ? 4 : 2) && note.accuracies.last == note.accuracy)
      }
      for (run, measurements) in zip(study.runs, try values(results, study)) {
        func last(_ measure: Measure) -> [Double] { measurements.last { $0.measure == measure }?.values ?? [] }
        let widths = run.setting.student.overRealization == 1 ? [3.0, 3] : [6, 6]
        #expect(last(.layerWidths) == [3, 3] + widths)
        #expect(last(.layerCorrelations).allSatisfy { $0 > 0 && $0 <= 1 } && last(.layerCorrelations).count == 6)
        #expect(
          last(.layerStrengths).count == Int(widths[0] + widths[1]) && last(.layerStrengths).allSatisfy { $0 > 0 })
        #expect(last(.teacherAccuracies).count == 2 && last(.evaluationAccuracy).count == 1)
        #expect(measurements.count { $0.measure == .trainingLoss } == 3)
        try auditAgrees(run, results, last)
        let losses = measurements.filter { $0.measure == .evaluationLoss }.map(\.values[0])
        #expect(losses.count == 4 && losses[3] < losses[0])
      }
    }
  }

  /// The audit of a stored run has the numbers that were recorded of it, from the stored weights and the stored oracle.
  private func auditAgrees(_ run: Run, _ results: URL, _ last: (Measure) -> [Double]) throws {
    let store = try ResultsStore.openForReading(results)
    let record = try ChannelAudits(learnedAt: 0.9).audit(run, in: store).record
    #expect(record.imageCount == 48 && record.layers.map(\.layer) == [1, 2])
    let (ours, theirs) = (record.layers.flatMap(\.teacherNodes), record.layers.flatMap(\.studentNodes))
    #expect(ours.map(\.correlation) == last(.layerCorrelations) && ours.map(\.strength) == last(.layerTeacherStrengths))
    #expect(
      theirs.map(\.correlation) == last(.layerStudentCorrelations) && theirs.map(\.strength) == last(.layerStrengths))
    for layer in record.layers {
      let unlearned = layer.teacherNodes.filter { $0.state == .unlearned }
      #expect(unlearned.allSatisfy { $0.correlation < 0.9 } && unlearned.count == layer.unlearnedCount)
      #expect(layer.learnedCount + layer.unlearnedCount == 3)
      #expect(abs(layer.teacherNodes.reduce(0) { $0 + $1.share } - 1) < 1e-12)
      #expect(layer.studentNodes.map(\.relativeEffect).max() == 1)
    }
  }

  @Test("a study that is stopped anywhere ends at the numbers of one that was not", arguments: [1, 2, 3, 5, 8, 11])
  func stopped(limit: Int) async throws {
    try await withFolders { set, results in
      let study = try study(set, ["student.overRealization=2"])
      let whole = results.appending(path: "whole")
      let parts = results.appending(path: "parts")
      #expect(try await run(study, into: whole).recordedCount == 2)
      for _ in 0..<40 {
        guard try await run(study, into: parts, stoppingAfter: limit).wasInterrupted else { break }
      }
      _ = try await run(study, into: parts)
      #expect(try values(parts, study) == values(whole, study))
    }
  }

  @Test(
    "stopped within an epoch, of teacher, oracle or student, a run goes on from that very step, to the same bits",
    arguments: [1, 5, 6, 13, 23, 24, 26, 33, 36, 37, 45, 53], [[], ["training.learningRate=300"]])
  func stoppedWithinAnEpoch(limit: Int, overrides: [String]) async throws {
    try await withFolders { set, _ in
      // The teacher takes 24 steps, the oracle 12, the student 18, unless it diverges.
      let study = try study(set, ["student.overRealization=2", "training.loss=squaredError"] + overrides)
      var steps = 0
      func end(
        from checkpoint: Checkpoint?, _ store: MemoryArtifacts, stoppingAt limit: Int = .max,
        saving: @escaping (Checkpoint) -> Void = { _ in }
      ) throws -> RunExecution.End {
        try executor(
          study.runs[0], of: study, keeping: store, isCancelled: { steps >= limit }, didReach: { _ in steps += 1 },
          didTakeSteps: { count, _ in steps += count }, saveCheckpoint: saving
        ).execute(from: checkpoint)
      }
      guard case .finished(let whole, let student) = try end(from: nil, MemoryArtifacts()) else {
        Issue.record("it was not asked to stop")
        return
      }
      let (count, store) = (steps, MemoryArtifacts())
      #expect(overrides.isEmpty ? count == 54 : count > 36 && whole.outcome != .completed)
      guard limit < count else { return }
      steps = 0
      var checkpoint: Checkpoint?
      do {
        guard case .interrupted(let left) = try end(from: nil, store, stoppingAt: limit) else {
          Issue.record("it went on")
          return
        }
        checkpoint = left
      } catch ExperimentError.interrupted {
        #expect(store.names.contains { $0.hasSuffix("checkpoint.safetensors") } == (limit != 24))
      }
      #expect(steps == limit && (checkpoint == nil) == (limit <= 36))
      // No step is taken twice.
      var last: Checkpoint?
      guard case .finished(let resumed, let same) = try end(from: checkpoint, store, saving: { last = $0 }) else {
        Issue.record("it was stopped again")
        return
      }
      #expect(steps == count && same == student)
      #expect(resumed.measurements == whole.measurements && resumed.outcome == whole.outcome)
      #expect(resumed.divergence == whole.divergence)
      // Killed, it goes on from the last checkpoint.
      guard let last else { return }
      guard case .finished(let again, let equal) = try end(from: last, store) else {
        Issue.record("it did not end")
        return
      }
      #expect(equal == student && again.measurements == whole.measurements && again.outcome == whole.outcome)
      #expect(again.divergence == whole.divergence)
    }
  }

  @Test("a zoom goes on from each of its checkpoints, and begins where a run was stopped", arguments: ["0.01", "300"])
  func zooms(rate: String) async throws {
    try await withFolders { set, _ in
      let options = ["student.overRealization=2", "training.loss=squaredError", "training.learningRate=\(rate)"]
      let store = MemoryArtifacts()
      func end(_ study: Study, from checkpoint: Checkpoint?) throws -> (RunRecord, Data, [Checkpoint]) {
        var kept: [Checkpoint] = []
        let run = executor(study.runs[0], of: study, keeping: store, saveCheckpoint: { kept.append($0) })
        guard case .finished(let record, let student) = try run.execute(from: checkpoint) else {
          throw WasInterrupted()
        }
        return (record, student, kept)
      }
      func zoom(_ from: Int, _ to: Int, _ every: Int) throws -> Study {
        try study(set, options + ["zoom.from=\(from)", "zoom.to=\(to)", "zoom.every=\(every)"])
      }
      let fine = try zoom(2, 15, 3)
      let whole = try end(fine, from: nil)
      #expect((whole.0.outcome == .completed) == (rate == "0.01") && !whole.2.isEmpty)
      for checkpoint in whole.2 {
        let resumed = try end(fine, from: checkpoint)
        #expect(resumed.1 == whole.1 && resumed.0.measurements == whole.0.measurements)
        #expect(resumed.0.divergence == whole.0.divergence && resumed.0.outcome == whole.0.outcome)
      }
      // Checkpoints come after every step; of 6 an epoch has.
      for (index, checkpoint) in try end(try study(set, options), from: nil).2.enumerated() {
        for from in [index + 1, index + 2] where from < 18 {
          let study = try zoom(from, min(from + 2, 18), 1)
          var start = checkpoint
          (start.runHash, start.measurements) = (study.runs[0].hash, [])
          let (begun, alone) = (try end(study, from: start), try end(study, from: nil))
          #expect(begun.1 == alone.1 && begun.0.outcome == alone.0.outcome)
          // The training loss is that of the steps of the epoch so far; before the first step of a zoom there is none.
          #expect(begun.0.measurements == alone.0.measurements, "after \(index + 1) steps, from \(from)")
        }
      }
    }
  }

  @Test(
    "images are taken as they are, or by means and deviations, on request; a teacher of other inputs is another one")
  func normalization() async throws {
    try await withFolders { set, _ in
      func run(_ more: String...) throws -> Run { try study(set, more).runs[0] }
      func firstImage(of run: Run) throws -> [Float] {
        let data = try Artifacts().images(of: run)
        var image = [Float](repeating: 0, count: 36)
        try data.evaluationImages(run.setting.inputs).fill(&image, indices: [0] as [UInt32])
        return image
      }
      let (plain, raw) = (try run(), try run("inputs.channelNormalization=raw"))
      let given = try run("inputs.channelNormalization=0.5/0.25")
      let bytes = try Data(contentsOf: set.appending(path: "t10k-images-idx3-ubyte")).dropFirst(16).prefix(36)
      let (pixels, normalised) = (try firstImage(of: raw), try firstImage(of: given))
      for (byte, (pixel, value)) in zip(bytes, zip(pixels, normalised)) {
        #expect(abs(pixel - Float(byte) / 255) < 1e-6 && abs(value - (pixel - 0.5) / 0.25) < 1e-5)
      }
      #expect(try firstImage(of: plain) != pixels)
      #expect(Set([plain, raw, given].map { Recipe.imageTeacher(of: $0).hash }).count == 3)
      let wrong = try run("inputs.channelNormalization=0.5-0.5/1-1")
      let error = #expect(throws: ExperimentError.self) { try firstImage(of: wrong) }
      #expect(error?.description.contains("2 means and deviations are given, and images have 1 channel") == true)
    }
  }

  @Test("a damaged artifact is made again, with the same bits")
  func damage() async throws {
    try await withFolders { set, results in
      let study = try study(set, ["student.overRealization=1", "training.loss=squaredError"])
      #expect(try await run(study, into: results).recordedCount == 1)
      let folder = results.appending(path: "artifacts")
      let first = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
        $0.hasSuffix(".safetensors")
      }
      let before = try first.map { try Data(contentsOf: folder.appending(path: $0)) }
      try Data("damaged".utf8).write(to: folder.appending(path: first[0]))
      try FileManager.default.removeItem(at: folder.appending(path: first[1]))
      let more = try self.study(set, ["student.overRealization=1", "training.loss=squaredError", "seeds=2"])
      let other = results.deletingLastPathComponent().appending(path: "other")
      do { _ = try ResultsStore.openForWriting(other, study: more) }
      try FileManager.default.copyItem(at: folder, to: other.appending(path: "artifacts"))
      #expect(try await run(more, into: other).recordedCount == 2)
      for (name, data) in zip(first, before) {
        #expect(try Data(contentsOf: other.appending(path: "artifacts/\(name)")) == data)
      }
    }
  }

  @Test("images that changed are refused")
  func changedImages() async throws {
    try await withFolders { set, results in
      let study = try study(set, ["student.overRealization=1", "training.loss=squaredError"])
      var pixels = try Data(contentsOf: set.appending(path: "train-images-idx3-ubyte"))
      pixels[20] ^= 1
      try pixels.write(to: set.appending(path: "train-images-idx3-ubyte"))
      let summary = try await run(study, into: results)
      #expect(summary.failures.count == 1)
      #expect(summary.failures.first?.reason.contains("not those that the study was begun with") == true)
    }
  }

  @Test("one teacher for all seeds, or one for each")
  func teacherSeeds() async throws {
    try await withFolders { set, results in
      let runs = try [0, 7].map { seed in
        try self.study(set, ["seeds=2", "teacher.seed=\(seed)"]).runs.map { Recipe.oracle(of: $0).hash }
      }
      #expect(Set(runs[0]).count == 2 && Set(runs[1]).count == 1)
      // Students of other widths and losses learn from one oracle.
      #expect(runs[0].count == 8)
    }
  }

  @Test("runs that do not fit into memory are refused, one or side by side")
  func memory() async throws {
    try await withFolders { set, _ in
      let study = try self.study(set)
      let run = try #require(study.runs.first)
      var estimate = ImageMemoryEstimate(sharing: Artifacts(), threadCount: 2)
      let bytes = try estimate.bytes(of: run, recording: [.layerCorrelations])
      // Wider students and larger batches take more.
      let wide = try self.study(set, ["student.overRealization=4", "training.batchSize=64"])
      #expect(try estimate.bytes(of: #require(wide.runs.first), recording: [.layerCorrelations]) > bytes)
      let all = try estimate.bytes(of: run, recording: Set(study.record.flatMap(\.measures)))
      try estimate.check(run, of: study, available: 2 * all)
      try estimate.check(run, of: study, available: nil)
      for (share, part) in [(1.5, "--threads 1"), (0.9, "teacher.layers")] {
        let error = #expect(throws: ExperimentError.self) {
          try estimate.check(run, of: study, available: share * all)
        }
        let message = error?.description ?? ""
        #expect(message.contains(part) && message.contains("of memory"))
      }
      // These are refused before their networks are drawn, which would take 10^14 bytes.
      for override in ["student.overRealization=900000", "teacher.layers=\"dense 1000000, dense 1000000\""] {
        let study = try self.study(set, [override])
        let error = #expect(throws: ExperimentError.self) {
          try estimate.check(#require(study.runs.first), of: study, available: 1e11)
        }
        #expect(error?.description.contains("of memory") == true, "\(override)")
      }
    }
  }

  @Test(
    "what cannot be is refused before anything runs",
    arguments: [
      ("oracle.prunedShares=\"0.5\"", "1 shares for 2 hidden layers"),
      ("teacher.layers=\"conv 6 size 9, conv 4\"", "does not fit its map"),
      ("inputs.training.count=97", "there are 96 images"), ("inputs.evaluation.count=49", "there are 48 images"),
      ("inputs.cropPadding=6", "give less"), ("oracle.training.batchSize=97", "oracle.training.batchSize is 97"),
      ("record=[{measures: [alignment], every: 1}]", "alignment cannot be recorded over images"),
    ])
  func refused(override: String, part: String) async throws {
    try await withFolders { set, _ in
      let study = try self.study(set, [override])
      let error = #expect(throws: ExperimentError.self) { try StudyRunner.check(study) }
      let message = error?.description ?? ""
      #expect(message.contains(part))
    }
  }
  @Test(
    "batches of one image are refused where a normalised layer has one position, and only there",
    arguments: ["teacher.training", "oracle.training", "training"])
  func batchesOfOne(key: String) async throws {
    try await withFolders { set, results in
      let one = ["\(key).batchSize=1", "teacher.training.epochs=1", "oracle.training.epochs=1", "training.epochs=1"]
      let flat = try self.study(
        set, one + ["teacher.layers=\"dense 6, dense 4\"", "inputs.cropPadding=0", "inputs.flips=false"])
      let error = #expect(throws: ExperimentError.self) { try StudyRunner.check(flat) }
      let message = error?.description ?? ""
      #expect(
        message.contains("layer 1 (lowest) is normalised") && message.contains("(\(key).batchSize)"), "\(message)")
      // A grid is checked for each of its values.
      let grid = try self.study(
        set, one + ["\(key).batchSize=[16, 1]", "teacher.layers=\"dense 6, dense 4\"", "training.loss=labels"])
      #expect(throws: ExperimentError.self) { try StudyRunner.check(grid) }
      let maps = try self.study(set, one)
      try StudyRunner.check(maps)
      #expect(try await self.run(maps, into: results).recordedCount == 4)
    }
  }

  @Test("all extracted networks say their slope, and a study refuses a network of another one")
  func slopes() async throws {
    try await withFolders { set, results in
      let leaky = ["network.activation=leakyRelu", "network.leakySlope=0.25"]
      let study = try self.study(
        set, leaky + ["teacher.training.epochs=1", "oracle.training.epochs=1", "training.epochs=1"])
      _ = try await run(study, into: results)
      let store = try ResultsStore.openForReading(results)
      let files = try ExtractedRun(try #require(try store.runs().first), in: store).files
      let networks = files.filter { $0.name.hasSuffix(".safetensors") }
      #expect(
        Set(networks.map(\.name))
          == Set(["oracle", "student", "student-initial", "teacher"].map { "\($0).safetensors" }))
      for file in networks {
        #expect(try NetworkFile.negativeSlope(of: try file.content(), name: file.name) == 0.25, "\(file.name)")
      }
      let guide = try #require(files.first { $0.name == "README.md" }).content()
      #expect(String(decoding: guide, as: UTF8.self).contains(" --activation leakyRelu --leaky-slope 0.25\n"))

      let file = set.appending(path: "teacher.safetensors")
      try #require(files.first { $0.name == "teacher.safetensors" }).content().write(to: file)
      let named = [
        "teacher.file=\(file.path)", "teacher.layers=null", "teacher.normalization=null", "teacher.training=null",
      ]
      try StudyRunner.check(try self.study(set, leaky + named))
      for other in [[], ["network.activation=leakyRelu", "network.leakySlope=0.2"]] {
        let error = #expect(throws: ExperimentError.self) { try StudyRunner.check(try self.study(set, other + named)) }
        #expect(error?.description.contains("give network.activation leakyRelu and network.leakySlope 0.25") ?? false)
      }
    }
  }
}
