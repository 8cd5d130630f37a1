/// A learning rate that is halved every so many epochs, in an epoch counted from 1; an interval of 0 never does.
package func halvedRate(_ rate: Double, every interval: Int, epoch: Int) -> Double {
  guard interval > 0 else { return rate }
  return rate * Double(sign: .plus, exponent: -((epoch - 1) / interval), significand: 1)
}

extension Setting {
  /// The first learning rate of the student, if no schedule gives it.
  package var firstLearningRate: Double {
    let isOfLabels = training.loss == .labels && training.labelLearningRate > 0
    let rate = isOfLabels ? training.labelLearningRate : training.learningRate
    return training.rateByWidth ? rate / student.overRealization.last : rate
  }

  /// The sum of the learning rates of all steps up to what a record calls the time: where steps are short, the time of gradient
  /// flow. Not over images, whose rates may fall otherwise.
  ///
  /// - Parameters:
  ///   - time: an epoch, or with a zoom a step.
  ///   - stepsPerEpoch: where a file of batches says how many they are, what it says.
  package func learningTime(at time: Int, stepsPerEpoch: Int) -> Double {
    let epochs = zoom.isOn ? Double(time) / Double(max(1, stepsPerEpoch)) : Double(time)
    let whole = Int(epochs)
    func rate(_ epoch: Int) -> Double {
      training.learningRates?.rate(epoch: epoch)
        ?? halvedRate(firstLearningRate, every: training.learningRateHalvingInterval, epoch: epoch)
    }
    let sum = (0..<whole).reduce(0) { $0 + rate($1 + 1) } + (epochs - Double(whole)) * rate(whole + 1)
    return sum * Double(stepsPerEpoch)
  }
}
