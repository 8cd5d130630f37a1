import ArgumentParser
import Understudy
import UnderstudyBenchmarks

extension BenchCommand {
  struct Convolution: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "convolution",
      abstract: "The step of a teacher of images, 64-64-64-64 filters of 3 x 3, batch 64 of 3 x 32 x 32, float32.",
      discussion: """
        The step: forward, backward, and an update by SGD with momentum, on labels; batch normalisation after each ReLU, \
        a linear layer on the flattened maps. GFLOP/s are counted by the definition of a convolution; Winograd's \
        algorithm executes fewer operations. "outside" is the share of the time that is not spent in convolutions and \
        the linear layer. "forward" is an evaluation of a batch. Times are the best of several rounds.
        """)

    @Flag(help: "A JSON array instead of tables.")
    var json = false

    @Option(help: "Threads that share the step; may be given several times (default: 1 and 2).")
    var threads: [Int] = []

    @Option(help: "automatic or direct (default: both).")
    var algorithm: ConvolutionAlgorithm?

    @Option(help: "Rounds; each is a step and an evaluation.")
    var rounds = 10

    func validate() throws {
      if rounds < 1 { throw ValidationError("--rounds \(rounds): give 1 or more") }
      if let count = threads.first(where: { $0 < 1 }) { throw ValidationError("--threads \(count): give 1 or more") }
    }

    func run() async throws {
      try await reportingErrors {
        var benchmark = ConvolutionBenchmark()
        if !threads.isEmpty { benchmark.threadCounts = threads }
        if let algorithm { benchmark.algorithms = [algorithm] }
        benchmark.roundCount = rounds
        let results = try benchmark.run()
        if json { return try printLine(jsonText(results)) }
        try printLine(machineKind())
        let rows = results.map { result in
          [
            "\(result.threads)", result.algorithm, format(result.millisecondsPerStep, digits: 1),
            format(result.stepGFLOPS, digits: 1), format(100 * result.shareOutsideProducts, digits: 1),
            format(result.forwardMilliseconds, digits: 1), format(result.stepGFLOP, digits: 2),
          ]
        }
        let head = ["threads", "algorithm", "ms/step", "GFLOP/s", "% outside", "ms forward", "GFLOP/step"]
        try printLine(TextTable(head, rows).text)
        for algorithm in ConvolutionAlgorithm.allCases {
          guard let result = results.first(where: { $0.algorithm == algorithm.rawValue }) else { continue }
          let choices = result.choices.map { [layerLabel($0.layer + 1), $0.forward, $0.data ?? "-", $0.weights] }
          let table = TextTable(["\(algorithm.rawValue): layer", "forward", "data", "weights"], choices)
          try printLine("\n\(table.text)")
        }
      }
    }
  }
}

extension ConvolutionAlgorithm: ExpressibleByArgument {}
