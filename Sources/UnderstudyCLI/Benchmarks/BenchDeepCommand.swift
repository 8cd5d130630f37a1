import ArgumentParser
import Understudy
import UnderstudyBenchmarks

extension BenchCommand {
  struct Deep: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "deep",
      abstract:
        "The SGD step of a deep student, 20-500-750-1000-1250-100, batch 64, float32; and its layers' measures.",
      discussion: """
        The step: gather, forward, backward, update; cached teacher outputs. The peak is that of independent fused \
        multiply-adds, measured between the steps in the same run; the share is of all cores that are used. Times are \
        the best of several rounds.

        The measures: over 64 inputs the couplings E[A_l] and E[B_l] of all hidden layers, whole and their diagonals \
        alone, in float32; and best correlations over 1000 inputs; for the teacher 50-75-100-125. Processor seconds of \
        one core.
        """)

    @Flag(help: "A JSON object instead of tables.")
    var json = false

    @Option(help: "Threads that share the step; may be given several times (default: 1 and 2).")
    var threads: [Int] = []

    @Option(help: "Rounds of the step.")
    var rounds = 30

    @Flag(help: "The step alone, not the measures.")
    var stepOnly = false

    @Option(help: "Kernels to use: avx512, avx2 or portable (default: the fastest that this processor has).")
    var instructions: InstructionSet = .best

    func validate() throws {
      if rounds < 1 { throw ValidationError("--rounds \(rounds): give 1 or more") }
      if let count = threads.first(where: { $0 < 1 }) { throw ValidationError("--threads \(count): give 1 or more") }
      try instructions.checkIsSupported()
    }

    private struct Report: Encodable {
      var machine: String
      var steps: [DeepBenchmark.Result]
      var measures: LayerCouplingBenchmark.Result?
    }

    func run() async throws {
      try await reportingErrors {
        var couplings = LayerCouplingBenchmark()
        couplings.instructions = instructions
        // First: the memory it reports is that of the whole process.
        let measures = stepOnly ? nil : try couplings.run()
        var benchmark = DeepBenchmark()
        if !threads.isEmpty { benchmark.threadCounts = threads }
        benchmark.roundCount = rounds
        benchmark.instructions = instructions
        let report = Report(
          machine: machineKind(instructions: instructions), steps: try benchmark.run(), measures: measures)
        if json { return try printLine(jsonText(report)) }
        adviseOnKernels()
        try printLine(report.machine)
        let rows = report.steps.map { step in
          [
            "\(step.threads)", format(step.millisecondsPerStep, digits: 2), format(100 * step.shareOfPeak, digits: 1),
            format(step.peakGFLOPS, digits: 1), format(step.stepGFLOP, digits: 3),
          ]
        }
        try printLine(TextTable(["threads", "ms/step", "% of peak", "peak GFLOP/s", "GFLOP/step"], rows).text)
        guard let measures else { return }
        let seconds = TextTable(
          ["measure", "s"],
          [
            ["couplings, whole", format(measures.wholeSeconds, digits: 2)],
            ["couplings, diagonal", format(measures.diagonalSeconds, digits: 2)],
            ["correlations", format(measures.correlationSeconds, digits: 2)],
          ])
        try printLine("\n\(seconds.text)")
        try printLine("most memory held: \(format(Double(measures.peakBytes) / 1e6, digits: 0)) MB")
      }
    }
  }
}
