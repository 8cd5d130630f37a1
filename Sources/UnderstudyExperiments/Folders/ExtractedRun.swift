import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

/// One stored run as files that other commands and other programs take: its networks, its data, the order of its batches, and
/// how to train its student again.
public struct ExtractedRun: Sendable {
  /// A file, made when it is asked for.
  public struct File: Sendable {
    public var name: String
    /// What it is, a sentence without its full stop.
    public var what: String
    public var content: @Sendable () throws(ExperimentError) -> Data
  }

  /// In the order in which people read of them.
  public private(set) var files: [File]

  /// What is extracted of a recorded run.
  ///
  /// - Parameter record: of a run that completed or diverged.
  /// - Throws: ``ExperimentError`` if weights, files or artifacts are not there or not what they were, and without memory for the
  ///   training inputs.
  public init(_ record: RunRecord, in store: ResultsStore) throws(ExperimentError) {
    let (run, study) = (record.run, store.study)
    guard !run.setting.zoom.isOn else {
      throw .input(
        "run \(run.hash): a zoom (zoom.to) may end within an epoch; extract the whole run from the folder that the zoom is of"
      )
    }
    let title = study.label(of: run.setting, seed: run.seed)
    let student = try ExperimentError.storing { () throws(StoreError) in try store.weights(of: run.hash) }
    var facts = RunFacts(record, of: study)
    var files: [File]
    var command: String
    if run.setting.inputs.images == nil {
      let prepared = try PreparedRun(run)
      facts.note(prepared, sampleCount: try prepared.trainingSet(index: 0).count)
      files = try Self.denseFiles(prepared, student: student, facts)
      command =
        "understudy audit --teacher teacher.safetensors --student student.safetensors --inputs training-inputs.npy"
    } else {
      files = try Self.imageFiles(run, in: store, student: student, facts)
      let source = run.setting.inputs.images?.place ?? ""
      let teacher = run.setting.oracle.prunedShares == nil ? "teacher" : "oracle"
      command =
        "understudy audit --teacher \(teacher).safetensors --student student.safetensors --images \(source)"
        + (run.setting.inputs.channelNormalization.map { " --normalize \($0)" } ?? "")
    }
    if run.setting.network.activation == .leakyRelu {
      command += " --activation leakyRelu --leaky-slope \(Activation(run.setting.network).negativeSlope)"
    }
    let (json, finished) = (try jsonText(facts) + "\n", facts)
    files.append(
      File(name: "run.json", what: "the run: its setting, seed and outcome, and how its student learns") {
        Data(json.utf8)
      })
    if let retraining = finished.retraining {
      files.append(
        File(
          name: "retrain.py", what: "trains the student again from these files, in \(retraining.tools), and compares it"
        ) {
          Data(retraining == .flow ? PackageResources.retrain_flow_py : PackageResources.retrain_py)
        })
    }
    let guide = Self.guide(title, files, command: command, finished, run.setting.inputs)
    files.append(File(name: "README.md", what: "what is in this folder") { Data(guide.utf8) })
    self.files = files
  }

  private static func denseFiles(
    _ prepared: PreparedRun, student: Data, _ facts: RunFacts
  ) throws(ExperimentError) -> [File] {
    let (plan, epochCount) = (prepared.plan, facts.epochs)
    let setCount = prepared.run.setting.inputs.regenerateEachEpoch ? max(1, epochCount) : 1
    let first = try prepared.trainingSet(index: 0)
    try checkMemory(24 * Double(setCount) * Double(first.inputs.values.count + first.targets.values.count))
    let sets = try (0..<setCount).map { (index) throws(ExperimentError) in try prepared.trainingSet(index: index) }
    let ofEachEpoch = setCount > 1 ? ", those of each epoch after those of the one before" : ""
    let (teacher, initial, evaluation) = (
      prepared.teacher.network, prepared.initialStudent.network, prepared.evaluation
    )
    var files = [
      File(name: "teacher.safetensors", what: "the teacher") { NetworkFile.encode(teacher, precision: .float64) },
      File(name: "student-initial.safetensors", what: "the student before its first step") {
        NetworkFile.encode(initial, precision: .float64)
      },
      File(name: "student.safetensors", what: facts.studentWords) { student },
      File(name: "training-inputs.npy", what: "what it is trained on, [sample, feature]\(ofEachEpoch)") {
        ArrayFile.encode(joined(sets.map(\.inputs)))
      },
      File(
        name: "training-targets.npy",
        what: "what it is asked for there, [sample, output]: the teacher's outputs, with their noise if there is any"
      ) { ArrayFile.encode(joined(sets.map(\.targets))) },
      File(name: "evaluation-inputs.npy", what: "what it is evaluated on, [sample, feature]") {
        ArrayFile.encode(evaluation.inputs)
      },
      File(name: "evaluation-targets.npy", what: "the teacher's outputs there, [sample, output]") {
        ArrayFile.encode(evaluation.targets)
      },
    ]
    if let batches = try batches(
      plan, prepared.batches, epochCount: epochCount, sampleCount: first.count, isStacked: setCount > 1)
    {
      files.append(
        File(
          name: "batches.npy", what: "which samples each step takes, [step, batch]: rows of the training inputs, from 0"
        ) {
          ArrayFile.encode(batches)
        })
    }
    return files
  }

  /// Images are large, and stay where they are.
  private static func imageFiles(
    _ run: Run, in store: ResultsStore, student: Data, _ facts: RunFacts
  ) throws(ExperimentError) -> [File] {
    let teacher = try LabelTraining.stored(.imageTeacher(of: run), "teacher", of: run, in: store)
    let isPruned = run.setting.oracle.prunedShares != nil
    let oracle = isPruned ? try LabelTraining.stored(.oracle(of: run), "oracle", of: run, in: store) : teacher
    let initial = try ImageNetworks.untrainedStudent(run, of: oracle)
    func file(_ name: String, _ what: String, _ network: Network) -> File {
      File(name: "\(name).safetensors", what: what) { NetworkFile.encode(network, precision: .float32) }
    }
    var files = [file("teacher", "the teacher, trained on labels", teacher)]
    if isPruned { files.append(file("oracle", "what pruning has left of it: the student's teacher", oracle)) }
    files += [
      file("student-initial", "the student before its first step", initial),
      File(name: "student.safetensors", what: facts.studentWords) { student },
    ]
    let sampleCount = run.setting.inputs.training.count
    let steps = try RunSteps(run, sampleCount: sampleCount, key: run.randomKey)
    if let batches = try batches(
      steps.plan, steps.batches, epochCount: facts.epochs, sampleCount: sampleCount, isStacked: false)
    {
      files.append(
        File(name: "batches.npy", what: "which images each step takes, [step, batch]: training images, from 0") {
          ArrayFile.encode(batches)
        })
    }
    return files
  }

  /// nil where every step takes all samples, or there is none.
  ///
  /// - Parameter isStacked: whether the samples of each epoch follow those of the one before.
  private static func batches(
    _ plan: TrainingPlan, _ order: BatchOrder, epochCount: Int, sampleCount: Int, isStacked: Bool
  ) throws(ExperimentError) -> Batches? {
    guard case .stochastic(let size) = plan.method, epochCount > 0, plan.stepsPerEpoch > 0 else { return nil }
    try checkMemory(24 * Double(epochCount) * Double(plan.stepsPerEpoch) * Double(size))
    let indices = (1...epochCount).flatMap { epoch in
      let offset = isStacked ? UInt32((epoch - 1) * sampleCount) : 0
      return order.indices(epoch: epoch, stepCount: plan.stepsPerEpoch, batchSize: size, sampleCount: sampleCount)
        .map { $0 + offset }
    }
    return Batches(stepCount: epochCount * plan.stepsPerEpoch, batchSize: size, indices: indices)
  }

  private static func joined(_ parts: [Matrix]) -> Matrix {
    Matrix(
      rowCount: parts.reduce(0) { $0 + $1.rowCount }, columnCount: parts[0].columnCount, values: parts.flatMap(\.values)
    )
  }

  /// The text of `README.md`.
  private static func guide(
    _ title: String, _ files: [File], command: String, _ facts: RunFacts, _ inputs: InputSetting
  ) -> String {
    let rows = files.map { "| `\($0.name)` | \($0.what) |" }.joined(separator: "\n")
    var parts = [
      "# \(title)",
      "A run of a study of Understudy, as files. Networks are safetensors files, arrays are `.npy` files; Docs/Formats.md of "
        + "Understudy is their contract.",
      "| file | what it is |\n|---|---|\n\(rows)",
      "Other commands take the files, for example\n\n    \(command)",
    ]
    if let note = imagesNote(inputs) { parts.append(note) }
    if let retraining = facts.retraining {
      parts.append(
        "`python3 retrain.py` trains the student again with \(retraining.tools) and prints how much it differs from "
          + "`student.safetensors`."
          + (retraining == .steps ? " In short, of plain steps along the gradient of the squared error:" : ""))
    }
    if facts.retraining == .steps {
      parts.append(
        """
            for step, seen in enumerate(batches):
                outputs, hidden, gates = forward(student, inputs[seen])
                g = (outputs - targets[seen]) / len(seen)         # back through the layers
                student -= rates[step // stepsPerEpoch] * gradient(g, hidden, gates)
        """)
    }
    return parts.joined(separator: "\n\n") + "\n"
  }

  /// Where the images of a run are, and how networks take them; nil of runs of other inputs.
  private static func imagesNote(_ inputs: InputSetting) -> String? {
    guard let images = inputs.images else { return nil }
    let moves = [
      inputs.cropPadding > 0 ? "moved by up to \(inputs.cropPadding) pixels" : nil, inputs.flips ? "mirrored" : nil,
    ].compactMap(\.self)
    return
      "The images stay where they are, at `\(images.place)` (digest \(images.digest)): the student is trained on the first "
      + "\(inputs.training.count) training images"
      + (moves.isEmpty ? "" : ", which each use may have \(moves.joined(separator: " and "))")
      + ", and evaluated on the first \(inputs.evaluation.count) evaluation images, each channel normalised"
      + (inputs.channelNormalization.map { " (\($0))." } ?? " (Docs/Images.md).")
  }

  /// - Parameter needed: bytes, about.
  private static func checkMemory(_ needed: Double) throws(ExperimentError) {
    guard let available = availableMemory(), needed > available else { return }
    throw .input(
      "extracting the inputs and batches of all epochs needs about \(byteSize(needed)) of memory, but "
        + "\(byteSize(available)) are free; extract where more is free")
  }
}

extension RunFacts.Retraining {
  /// What it needs.
  fileprivate var tools: String { self == .flow ? "NumPy and SciPy" : "NumPy" }
}
