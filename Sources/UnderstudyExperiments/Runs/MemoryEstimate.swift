import Foundation
import UnderstudySchema

/// What a run holds in memory at its peak, estimated from its setting before anything is allocated.
///
/// Data sets are held in double precision for measuring, and packed twice in the run's precision, for steps and for losses;
/// networks as they were, as they are, and in the trainer with what its optimizer keeps. Measuring holds a block of samples,
/// which is small beside these, and for some measures numbers for each pair of student nodes. Sizes of given files are not known
/// here, except a teacher's where it is given. Runs over images have an estimate of their own,
/// ``ImageMemoryEstimate``.
struct MemoryEstimate {
  /// Bytes, and the keys that they grow with.
  struct Part {
    var bytes: Double
    var keys: [String]
  }

  /// Bytes that a run cannot be without; the largest part first. None over images.
  let parts: [Part]

  var bytes: Double { parts.reduce(0) { $0 + $1.bytes } }

  /// - Parameters:
  ///   - measures: what is recorded.
  ///   - file: d, hidden nodes and C of the teacher's file; without them nothing is known of a student of that.
  /// - Complexity: O(hidden layers). No sum overflows: everything is counted in floating point.
  init(_ setting: Setting, recording measures: Set<Measure> = [], file: [Int]? = nil) {
    guard setting.inputs.images == nil else {
      parts = []
      return
    }
    let (inputs, training) = (setting.inputs, setting.training)
    let given = file.map { $0.map(Double.init) }
    let d = given?.first ?? Double(setting.network.inputDimension)
    let outputs = given?.last ?? Double(setting.network.outputDimension)
    let scalar = training.precision == .float64 ? 8.0 : 4.0
    func set(_ count: Int, file: SourceFile?, copies: Double) -> Double {
      file == nil ? Double(count) * (d + outputs) * (8 + copies * scalar) : 0
    }
    func weights(_ hidden: [Double]) -> Double { Self.weightCount(of: [d] + hidden + [outputs]) }
    let teacher = setting.teacher.hiddenWidths.map { Double($0) }
    let student = setting.student.widths(
      over: file.map { Array($0.dropFirst().dropLast()) } ?? setting.teacher.hiddenWidths
    )
    .map(Double.init)
    let isDrawn = setting.student.file == nil && (setting.teacher.file == nil || file != nil)
    let trainingSet =
      set(inputs.training.count, file: inputs.training.file, copies: 2)
      + (inputs.augmentation == .none ? 0 : Double(inputs.training.count) * d * 8)
      + (training.batchOrder == .reshuffled ? Double(inputs.training.count) * 8 : 0)
    let batch =
      switch training.method {
      case .sgd, .adam: Double(training.batchSize)
      case .gd: Double(inputs.training.count)
      case .flow: 0.0
      }
    // Activations and gradients of a step.
    let step = batch * 2 * student.reduce(d + outputs, +) * scalar
    // Of the measure that holds most, and of a step.
    let held =
      measures.map { Self.numbersForPairs[$0] ?? 0 } + [
        training.method == .flow ? 4 : 0, setting.criticalPoint.method == .none ? 0 : 2,
      ]
    let pairs = (held.max() ?? 0) * student.reduce(0) { $0 + $1 * $1 }
    let dimensions = ["network.inputDimension", "network.outputDimension"]
    let widths = [
      setting.teacher.file == nil ? "teacher.hiddenNodes or teacher.widths" : "teacher.file",
      setting.student.widths == nil ? "student.overRealization" : "student.widths",
    ]
    let all = [
      Part(bytes: trainingSet, keys: ["inputs.training.count"] + dimensions),
      Part(
        bytes: set(inputs.evaluation.count, file: inputs.evaluation.file, copies: 1),
        keys: ["inputs.evaluation.count"] + dimensions),
      Part(
        bytes: setting.teacher.file == nil ? weights(teacher) * 8 : 0, keys: [widths[0]] + dimensions),
      Part(bytes: isDrawn ? pairs * 8 : 0, keys: [widths[1], widths[0]]),
      Part(
        bytes: isDrawn ? weights(student) * (16 + Double(2 + training.momentCount) * scalar) : 0,
        keys: widths + dimensions),
      Part(bytes: step, keys: [training.method == .gd ? "inputs.training.count" : "training.batchSize"] + widths),
    ]
    parts = all.sorted { $0.bytes > $1.bytes }
  }

  /// Weights and biases of a network with so many features, nodes and outputs.
  private static func weightCount(of widths: [Double]) -> Double {
    zip(widths, widths.dropFirst()).reduce(0) { $0 + ($1.0 + 1) * $1.1 }
  }

  /// Numbers that are held for each pair of student nodes of a layer, where that is all but nothing: closed forms for each pair, and
  /// else measured at 8000 nodes.
  private static let numbersForPairs: [Measure: Double] = [
    .expectedLoss: 4, .straightPath: 2, .matchedPath: 2, .constructedPath: 2, .layerCouplingB: 2,
    .layerRuleResiduals: 2,
    .verdicts: 1, .predictedAlignment: 1,
  ]

  /// Refuses a study whose runs do not fit into memory, side by side.
  ///
  /// - Parameters:
  ///   - threadCount: runs at a time.
  ///   - available: bytes that may be taken; nil where the system does not say, and then nothing is refused.
  /// - Throws: ``ExperimentError/input(_:)`` that names the setting, its keys, what it needs and what there is.
  static func check(
    _ study: Study, threadCount: Int, available: Double? = availableMemory()
  ) throws(ExperimentError) {
    let measures = study.record.reduce(into: Set<Measure>()) { $0.formUnion($1.measures) }
    let sizes = study.settings.map { MemoryEstimate($0, recording: measures).bytes }
    guard let available, let place = sizes.indices.max(by: { sizes[$0] < sizes[$1] }) else { return }
    let largest = study.settings[place]
    let planned = Double(study.settings.count) * bytesOfPlannedSetting
    guard planned <= available else {
      throw .input(
        "\(study.name): \(study.settings.count) settings need about \(byteSize(planned)) of memory to be planned, but "
          + "\(byteSize(available)) are free; shorten the lists, or make several studies")
    }
    try check(MemoryEstimate(largest, recording: measures), of: largest, in: study, threadCount, available)
  }

  /// The same for runs of a setting whose teacher is read from a file.
  ///
  /// - Parameter file: d, hidden nodes and C of the teacher.
  static func check(
    _ setting: Setting, learningFrom file: [Int], in study: Study, threadCount: Int,
    available: Double? = availableMemory()
  ) throws(ExperimentError) {
    let measures = study.record.reduce(into: Set<Measure>()) { $0.formUnion($1.measures) }
    guard let available else { return }
    try check(
      MemoryEstimate(setting, recording: measures, file: file), of: setting, in: study, threadCount, available)
  }

  private static func check(
    _ estimate: MemoryEstimate, of setting: Setting, in study: Study, _ threadCount: Int, _ available: Double
  ) throws(ExperimentError) {
    let count = min(max(1, threadCount), study.settings.count * study.seeds.count)
    guard let part = estimate.parts.first else { return }
    try checkMemory(
      study.label(of: setting), estimate.bytes, count: count, available: available,
      keys: part.keys.joined(separator: ", "), most: part.bytes)
  }

  /// Measured over 100 000 settings; runs are made one at a time.
  private static let bytesOfPlannedSetting = 4000.0
}

extension TrainingSetting {
  /// Numbers that the update rule keeps beside each weight.
  var momentCount: Int { method == .adam ? 2 : momentum > 0 ? 1 : 0 }
}

/// Refuses runs that do not fit into memory, one by one or side by side.
///
/// - Parameters:
///   - bytes: that a run needs.
///   - count: runs at a time.
///   - available: nil where the system does not say, and then nothing is refused.
///   - keys: what to make smaller.
///   - most: the bytes that depend on these keys, where not all do.
func checkMemory(
  _ label: String, _ bytes: Double, count: Int, available: Double?, keys: String, most: Double? = nil
) throws(ExperimentError) {
  guard let available, bytes * Double(count) > available else { return }
  let needed = "\(label): a run needs about \(byteSize(bytes)) of memory"
  guard bytes > available else {
    throw .input(
      "\(needed), and \(count) at a time \(byteSize(bytes * Double(count))), but \(byteSize(available)) are free; take fewer at a "
        + "time (--threads \(Int(available / bytes))), or make it smaller: \(keys)")
  }
  let (share, remedy) =
    most.map { (", most of it (\(byteSize($0))) for \(keys)", "make these smaller") } ?? (
      "", "make it smaller: \(keys)"
    )
  throw .input("\(needed)\(share), but \(byteSize(available)) are free; \(remedy)")
}

/// `1.2 GB`.
func byteSize(_ bytes: Double) -> String {
  let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
  let index = bytes < 1000 ? 0 : min(units.count - 1, Int(log10(bytes) / 3))
  return String(format: "%.3g ", bytes / pow(1000, Double(index))) + units[index]
}

/// Bytes that this process may still take: what the machine has free, or its control group's limit leaves; nil if neither says.
func availableMemory() -> Double? {
  func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
  func number(_ path: String) -> Double? {
    text(path).flatMap { Double($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }
  let free = text("/proc/meminfo")?.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    .flatMap { Double($0.split(separator: " ")[1]) }.map { $0 * 1024 }
  var left: [Double] = free.map { [$0] } ?? []
  // The path is that of a container's own group.
  if let limit = number("/sys/fs/cgroup/memory.max"), let used = number("/sys/fs/cgroup/memory.current") {
    left.append(max(0, limit - used))
  }
  return left.min()
}
