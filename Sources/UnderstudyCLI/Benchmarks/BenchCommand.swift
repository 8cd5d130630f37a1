import ArgumentParser
import Understudy
import UnderstudyBenchmarks

struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure speed: training steps, the critical-point search, audits.",
    subcommands: [TwoLayer.self, Deep.self, Convolution.self, CriticalPoint.self, Audit.self])

  struct TwoLayer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "two-layer",
      abstract: "The two-layer SGD step: gather, student forward, backward, update; cached teacher outputs.",
      discussion: """
        The peak is that of independent fused multiply-adds, measured between the steps in the same run. FLOPs are \
        counted without padding. Times are the best of several rounds. Quote shares and ratios: machines are shared \
        and noisy.
        """)

    @Flag(help: "A JSON array instead of a table.")
    var json = false

    @Option(help: "float64 or float32 (default: both).")
    var precision: TwoLayerBenchmark.Precision?

    @Option(help: "Rounds for each size.")
    var rounds = 30

    @Option(help: "Kernels to use: avx512, avx2 or portable (default: the fastest that this processor has).")
    var instructions: InstructionSet = .best

    @Flag(help: "Measure the kernels of any depth beside those of two layers, in the same rounds.")
    var anyDepth = false

    func validate() throws {
      if rounds < 1 { throw ValidationError("--rounds \(rounds): give 1 or more") }
      try instructions.checkIsSupported()
    }

    func run() async throws {
      try await reportingErrors {
        var benchmark = TwoLayerBenchmark()
        if let precision { benchmark.precisions = [precision] }
        benchmark.roundCount = rounds
        benchmark.instructions = instructions
        benchmark.includesAnyDepth = anyDepth
        let results = try benchmark.run()
        if json { return try printLine(jsonText(results)) }
        adviseOnKernels()
        try printLine(machineKind(instructions: instructions))
        var table = TextTable(
          [
            "precision", "m", "n", "d", "C", "batch", "us/step", "% of peak", "peak GFLOP/s", "ms/evaluation",
            "% of peak",
          ] + (anyDepth ? ["any depth: times us/step", "times ms/evaluation"] : []))
        for result in results {
          let anyDepth = [
            result.anyDepthMicrosecondsPerStep.map { $0 / result.microsecondsPerStep },
            result.anyDepthEvaluationMilliseconds.map { $0 / result.evaluationMilliseconds },
          ].compactMap { $0.map { format($0, digits: 2) } }
          table.add(
            [
              result.precision.rawValue, "\(result.m)", "\(result.n)", "\(result.d)", "\(result.c)", "\(result.batch)",
              format(result.microsecondsPerStep, digits: 2), format(100 * result.shareOfPeak, digits: 1),
              format(result.peakGFLOPS, digits: 1), format(result.evaluationMilliseconds, digits: 2),
              format(100 * result.evaluationShareOfPeak, digits: 1),
            ] + anyDepth)
        }
        try printLine(table.text)
      }
    }
  }
}

extension BenchCommand {
  struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "audit",
      abstract: "An audit of a teacher of 20 and a student of 200 nodes on 10000 inputs of 100 features, C = 50.")

    @Flag(help: "Instead, audits of students of about a million weights, of several shapes: minutes.")
    var shapes = false

    func run() async throws {
      try await reportingErrors {
        if shapes { return try printShapes() }
        let result = try AuditBenchmark().run()
        adviseOnKernels()
        try printLine(machineKind())
        try printLine("audit                                  \(format(result.seconds, digits: 2)) s")
        try printLine(
          "  gradients over 201 copies of an input  \(format(result.agnosticSeconds, digits: 2)) s, "
            + "\(format(100 * result.agnosticShareOfPeak, digits: 0)) % of the core's peak")
      }
    }

    private func printShapes() throws {
      func words(_ widths: [Int]) -> String { widths.map { "\($0)" }.joined(separator: "-") }
      try printLine(machineKind())
      var table = TextTable(["teacher", "student", "inputs", "weights", "seconds", "units left", "left out"])
      try AuditBenchmark().runShapes { result in
        table.add([
          words(result.teacherWidths), words(result.studentWidths), "\(result.sampleCount)",
          result.holdsTeacher ? "teacher's" : "random", format(result.seconds, digits: 1),
          result.unitCount.map { "\($0)" } ?? "-",
          result.omitted.isEmpty ? "-" : result.omitted.map(\.part.words).joined(separator: ", "),
        ])
        writeError("bench audit: \(words(result.studentWidths)) took \(format(result.seconds, digits: 1)) s")
      }
      try printLine(table.text)
    }
  }
}

/// Says where OpenBLAS is slower than it could be: where times are measured, that matters.
func adviseOnKernels() {
  if let advice = LinearAlgebra.kernels.advice { writeError("note: \(advice)") }
}

extension TwoLayerBenchmark.Precision: ExpressibleByArgument {}
